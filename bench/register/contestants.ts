import { STORES } from '../registries/stores.js';
import { agendaOnRedis } from './agenda.js';
import { bullmq } from './bullmq.js';
import type { Contestant } from './contestant.js';
import { nestSchedule } from './nest-schedule.js';
import { ours } from './ours.js';
import { pgBoss } from './pg-boss.js';

export const CONTESTANTS: readonly Contestant[] = [
  ...Object.keys(STORES).map(ours),
  ...[bullmq, agendaOnRedis, pgBoss, nestSchedule],
];

/** Those whose names begin as an option says: `ours, redis;BullMQ`, or `all`. */
export function contestantsNamed(names: string): Contestant[] {
  if (names === 'all') return [...CONTESTANTS];
  return names.split(';').map((wanted) => {
    const found = CONTESTANTS.find(({ name }) => name.startsWith(wanted));
    if (!found)
      throw new Error(`There is no "${wanted}"; there are ${CONTESTANTS.map(({ name }) => name).join('; ')}.`);
    return found;
  });
}
