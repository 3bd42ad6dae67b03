import { load, versionOf } from '../common/peer.js';
import type { Address } from '../registries/stores.js';
import type { Contestant } from './contestant.js';

export interface AgendaJob {
  readonly attrs: { nextRunAt?: Date | null };
  repeatEvery(cron: string, options: { timezone: string; skipImmediate?: boolean }): AgendaJob;
  save(): Promise<unknown>;
  remove(): Promise<unknown>;
}

export interface Agenda {
  readonly ready: Promise<unknown>;
  define(name: string, run: (job: AgendaJob) => Promise<void>, options?: { concurrency: number }): void;
  create(name: string, data: object): AgendaJob;
  queryJobs(query: { name: string }): Promise<{ jobs: unknown[] }>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Backend {
  disconnect(): Promise<void>;
}

export async function openAgenda(
  { host, port }: Address,
  options: { processEvery?: string } = {},
): Promise<{ agenda: Agenda; backend: Backend }> {
  const { RedisBackend } = await load<{
    RedisBackend: new (options: { connectionString: string }) => Backend;
  }>('@agendajs/redis-backend');
  const { Agenda } = await load<{ Agenda: new (options: { backend: Backend }) => Agenda }>('agenda');
  const backend = new RedisBackend({ connectionString: `redis://${host}:${port}` });
  const agenda = new Agenda({ backend, ...options });
  await agenda.ready;
  return { agenda, backend };
}

/**
 * A job for each task, all of one name. With `unique`, which lets an add be repeated, it reads all jobs of that name for
 * each, hence without. The jobs stay in memory, as an application would keep their ids.
 */
export const agendaOnRedis: Contestant = {
  name: `Agenda ${versionOf('agenda')}, Redis`,
  ours: false,
  server: 'redis',
  async open(address) {
    const { agenda, backend } = await openAgenda(address);
    const jobs = new Map<string, AgendaJob>();
    return {
      async add({ name, cron, timeZone, payload }) {
        const job = agenda.create('send', payload).repeatEvery(cron, { timezone: timeZone, skipImmediate: true });
        jobs.set(name, job);
        await job.save();
      },
      list: async () => (await agenda.queryJobs({ name: 'send' })).jobs.length,
      change: ({ name, changedCron, timeZone }) =>
        jobs.get(name)!.repeatEvery(changedCron, { timezone: timeZone, skipImmediate: true }).save(),
      remove: ({ name }) => jobs.get(name)!.remove(),
      close: () => backend.disconnect(),
    };
  },
};
