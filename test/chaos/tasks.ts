import type { GroupOptions, TaskInput } from '../../lib/index.js';
import type { Work } from './node-messages.js';

/** The handler of every task is the node's default one; a name says what the task is for. */
function tasks(count: number, prefix: string, make: (i: number) => Omit<TaskInput, 'name'>): TaskInput[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${prefix}-${i}`, ...make(i) }));
}

const EVERY_SECOND = { cron: '* * * * * *' };
const takes = (ms: number): { payload: Work } => ({ payload: { ms } });

/** Due each second, over at once. */
export const secondly = (count: number, policies: Omit<TaskInput, 'name' | 'schedule'> = {}): TaskInput[] =>
  tasks(count, 'second', () => ({ schedule: EVERY_SECOND, ...policies }));

const SPARSE = 'half-minute';
/** Every 30 s, so that they have a standby; some of them are due at each second. */
export const sparse = (count: number): TaskInput[] =>
  tasks(count, SPARSE, (i) => ({ schedule: { cron: `${i % 30},${(i % 30) + 30} * * * * *` } }));

export const isSparse = (task: string): boolean => task.startsWith(SPARSE);

const CHANGED = 'changed';
/** Of tasks that an operator pauses, deletes and so on all the while. */
export const changedNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `${CHANGED}-${i}`);

export const isChanged = (task: string): boolean => task.startsWith(CHANGED);

/** What every node is configured with. */
export const GROUPS: Record<string, GroupOptions> = {
  few: { concurrency: 3 },
  slow: { rate: { limit: 5, per: '2s' } },
};

/** A bit of everything a task can be: long runs, overlap, recovery, retries, failures, groups, each misfire policy. */
export const mixed = (count: number): TaskInput[] => [
  ...tasks(count, 'rerun', (i) => ({
    schedule: { cron: `${i % 2}/2 * * * * *` },
    recovery: 'rerun',
    ...takes(300 + 100 * i),
  })),
  ...tasks(count, 'long', (i) => ({ schedule: EVERY_SECOND, ...takes(1_200 + 200 * i) })),
  ...tasks(count, 'parallel', () => ({
    schedule: EVERY_SECOND,
    overlap: 'allow',
    maxParallel: 3,
    ...takes(2_500),
  })),
  ...tasks(count, 'queue', () => ({ schedule: EVERY_SECOND, overlap: 'queue', ...takes(1_300) })),
  ...tasks(count, 'replace', () => ({ schedule: { every: 2_000 }, overlap: 'replace', ...takes(2_700) })),
  ...tasks(count, 'retry', () => ({
    schedule: { every: 3_000 },
    retry: { attempts: 3, delay: '700ms', backoff: 'fixed' },
    payload: { ms: 50, fails: 2 } satisfies Work,
  })),
  ...tasks(count, 'broken', () => ({
    schedule: EVERY_SECOND,
    circuitBreaker: { threshold: 3, halfOpenAfter: '5s' },
    payload: { fails: 1 } satisfies Work,
  })),
  ...tasks(count, 'few', () => ({ schedule: { every: 2_000 }, group: 'few', ...takes(700) })),
  ...tasks(count, 'slow', () => ({ schedule: { every: 2_000 }, group: 'slow' })),
  ...tasks(count, 'fire-all', () => ({ schedule: EVERY_SECOND, misfire: 'fire-all', misfireLimit: 20 })),
  ...tasks(count, 'skip', () => ({ schedule: EVERY_SECOND, misfire: 'skip', misfireDeadline: '5s' })),
  ...tasks(count, 'interval', (i) => ({ schedule: { every: 1_000 + 100 * i } })),
];

/** Lets real time pass: ticks come no faster. */
export const inTime = (ms: number): Promise<void> => new Promise((passed) => setTimeout(passed, ms));
