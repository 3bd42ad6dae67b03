import { load, versionOf } from '../../common/peer.js';
import { addInParallel, type Contestant, type Load, type OnStart } from '../contestant.js';
import { cronOf } from '../pace.js';

interface Job {
  readonly attrs: { readonly data: { task: number } };
  repeatEvery(cron: string): Job;
  save(): Promise<unknown>;
}

interface Agenda {
  define(name: string, run: (job: Job) => Promise<void>, options: object): void;
  create(name: string, data: { task: number }): Job;
  start(): Promise<void>;
}

type Backend = new (options: { connectionString: string }) => object;

/** Half of the shortest period: it locks what is due until its next poll. */
const PROCESS_EVERY_MS = 500;

async function join(backend: object, { tasks, pace }: Load, onStart: OnStart) {
  const { Agenda } = await load<{ Agenda: new (options: object) => Agenda }>('agenda');
  const limits = { concurrency: tasks, lockLimit: 0 };
  const agenda = new Agenda({ backend, processEvery: PROCESS_EVERY_MS, maxConcurrency: tasks });
  agenda.define('run', async ({ attrs }) => onStart(attrs.data.task), limits);
  await agenda.start();
  return {
    addTasks: () =>
      addInParallel(tasks, (task) => agenda.create('run', { task }).repeatEvery(cronOf(task, pace)).save()),
  };
}

const common = {
  version: versionOf('agenda'),
  shares: true,
  settings: `one definition, a job for each task, polled every ${PROCESS_EVERY_MS} ms and on notification, no limits`,
};

export const agendaOnRedis: Contestant = {
  ...common,
  name: 'Agenda on Redis',
  store: 'redis',
  async join(job, onStart) {
    const { RedisBackend } = await load<{ RedisBackend: Backend }>('@agendajs/redis-backend');
    const { host, port } = job.address;
    return join(new RedisBackend({ connectionString: `redis://${host}:${port}` }), job, onStart);
  },
};

export const agendaOnPostgres: Contestant = {
  ...common,
  name: 'Agenda on PostgreSQL',
  store: 'postgres',
  async join(job, onStart) {
    const { PostgresBackend } = await load<{ PostgresBackend: Backend }>('@agendajs/postgres-backend');
    const { host, port } = job.address;
    const connectionString = `postgres://postgres@${host}:${port}/postgres`;
    return join(new PostgresBackend({ connectionString }), job, onStart);
  },
};
