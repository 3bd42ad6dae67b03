import type { Contestant } from './contestant.js';

/** Each is loaded by itself, so that a process holds nothing of the others. */
export const CONTESTANTS = {
  'plain-timer': async () => (await import('./contestants/plain-timer.js')).plainTimer,
  'cron-schedule': async () => (await import('./contestants/cron-schedule.js')).cronSchedule,
  croner: async () => (await import('./contestants/croner.js')).croner,
  'nestjs-schedule': async () => (await import('./contestants/nestjs-schedule.js')).nestjsSchedule,
  'lock-per-tick': async () => (await import('./contestants/lock-per-tick.js')).lockPerTick,
  bullmq: async () => (await import('./contestants/bullmq.js')).bullmq,
  'agenda-redis': async () => (await import('./contestants/agenda.js')).agendaOnRedis,
  'agenda-postgres': async () => (await import('./contestants/agenda.js')).agendaOnPostgres,
  'ours-memory': async () => (await import('./contestants/ours.js')).ours('memory'),
  'ours-redis': async () => (await import('./contestants/ours.js')).ours('redis'),
  'ours-etcd': async () => (await import('./contestants/ours.js')).ours('etcd'),
  'ours-zookeeper': async () => (await import('./contestants/ours.js')).ours('zookeeper'),
  'ours-consul': async () => (await import('./contestants/ours.js')).ours('consul'),
} satisfies Record<string, () => Promise<Contestant>>;

export type ContestantId = keyof typeof CONTESTANTS;

export const isOurs = (id: string): boolean => id.startsWith('ours');

/** An id with a number of processes behind it: `bullmq*3`. */
export interface Entry {
  readonly id: ContestantId;
  readonly processes: number;
}

/** What an option names: `plain-timer,bullmq*3`. @throws Error where there is no such contestant */
export function entriesNamed(names: string): Entry[] {
  return names.split(',').map((name) => {
    const [id = '', processes = '1'] = name.split('*');
    if (!Object.hasOwn(CONTESTANTS, id)) {
      throw new Error(`There is no contestant "${id}"; there are ${Object.keys(CONTESTANTS).join(', ')}.`);
    }
    return { id: id as ContestantId, processes: Number(processes) };
  });
}
