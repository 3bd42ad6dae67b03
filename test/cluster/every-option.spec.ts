import { afterEach, describe, expect, it } from '@jest/globals';
import type { Duration } from '../../lib/core/common/duration.js';
import type { Handler } from '../../lib/core/execution/task-run.js';
import type {
  CircuitBreakerOptions,
  RetryOptions,
  TaskPolicies,
  TimeoutOptions,
} from '../../lib/core/task/policies.js';
import type { TestClusterOptions } from '../../lib/testing/cluster/test-cluster.js';
import { failing, probedCluster, type ProbedCluster, untilAborted } from '../support/probe.js';

// Every option of a task does something: the same story with it and without it, and what is seen of each. One that is
// added to the types has no story yet, and this file does not compile until it has.

type Option =
  | keyof TaskPolicies
  | `retry.${Exclude<keyof RetryOptions, 'attempts'>}`
  | `timeout.${keyof TimeoutOptions}`
  | `circuitBreaker.${Exclude<keyof CircuitBreakerOptions, 'threshold'>}`;

interface Difference {
  given: TaskPolicies;
  /** The same without the option. @default nothing */
  without?: TaskPolicies;
  /** @returns what is seen of the task `a` */
  story: (policies: TaskPolicies) => Promise<unknown>;
  seen: [withIt: unknown, without: unknown];
}

const EVERY_10S = { cron: '*/10 * * * * *' };
const EVERY_MINUTE = { cron: '* * * * *' };
const THREE = { attempts: 3, backoff: 'fixed' } as const;
const BOOM = new Error('boom');

let probe: ProbedCluster;

interface Setting extends TestClusterOptions {
  work?: Handler;
  schedule?: object | 'now';
  lasts?: Duration;
}

/** Task `a` on one node, for some time. @returns when it was started, in seconds of the story */
async function starts(
  policies: TaskPolicies,
  { work, schedule = EVERY_10S, lasts = '45s', ...options }: Setting = {},
): Promise<number[]> {
  probe = await probedCluster({ nodes: 1, ...options }, work);
  await probe.add('a', policies, schedule);
  await probe.cluster.advance(lasts);
  return startsOf('a');
}

function startsOf(task: string): number[] {
  return probe.of(task).map(({ at }) => Math.round((at - Date.UTC(2030, 0)) / 100) / 10);
}

/** A handler that takes so long, whatever its signal says. */
const lasting =
  (ms: number): Handler =>
  () =>
    new Promise<void>((end) => probe.cluster.clock.setTimer(ms, end));

/** Attempts of a run that fails each time. */
const attempts = (policies: TaskPolicies): Promise<number[]> =>
  starts(policies, { work: failing, schedule: 'now', lasts: '20m' });

/** Starts while failing. */
const failures = (policies: TaskPolicies): Promise<number[]> => starts(policies, { work: failing, lasts: '101s' });

/** Nobody is there for a while. */
async function afterOutage(policies: TaskPolicies): Promise<number[]> {
  await starts(policies, { lasts: '15s' });
  await probe.cluster.during(probe.cluster.node(0).service.stop());
  await probe.cluster.advance('40s');
  await probe.cluster.join();
  await probe.cluster.advance('3s');
  return probe.started.map(({ tick }) => (tick! - Date.UTC(2030, 0)) / 1_000);
}

const DIFFERENCES: Record<Option, Difference> = {
  priority: {
    given: { priority: 5 },
    async story(policies) {
      probe = await probedCluster({ nodes: 1, options: { concurrency: 1 } }, (run) => lasting(1_000)(run));
      for (const task of ['first', 'b']) await probe.add(task, {});
      await probe.add('a', policies);
      await probe.cluster.advance('5s');
      return probe.started.map(({ task }) => task);
    },
    seen: [
      ['first', 'a', 'b'],
      ['first', 'b', 'a'],
    ],
  },
  timeout: {
    given: { timeout: '2s' },
    async story(policies) {
      await starts(policies, { work: untilAborted, schedule: 'now' });
      return probe.unitOf('a').last?.outcome;
    },
    seen: ['timed-out', undefined],
  },
  'timeout.attempt': {
    given: { timeout: { attempt: '2s', total: '9s' }, retry: { ...THREE, delay: '1s' } },
    without: { timeout: { total: '9s' }, retry: { ...THREE, delay: '1s' } },
    story: (policies) => starts(policies, { work: untilAborted, schedule: 'now' }),
    seen: [[0, 3, 6], [0]],
  },
  'timeout.total': {
    given: { timeout: { attempt: '2s', total: '5s' }, retry: { ...THREE, delay: '1s' } },
    without: { timeout: { attempt: '2s' }, retry: { ...THREE, delay: '1s' } },
    story: (policies) => starts(policies, { work: untilAborted, schedule: 'now' }),
    seen: [
      [0, 3],
      [0, 3, 6],
    ],
  },
  abortGrace: {
    given: { timeout: '2s', abortGrace: '20s' },
    without: { timeout: '2s' },
    async story(policies) {
      await starts(policies, { work: (run) => lasting(600_000)(run), schedule: 'now' });
      return probe.unitOf('a').last!.at - probe.started[0]!.at;
    },
    seen: [22_000, 7_000],
  },
  retry: { given: { retry: { ...THREE, delay: '1s' } }, story: attempts, seen: [[0, 1, 2], [0]] },
  'retry.delay': {
    given: { retry: { ...THREE, delay: '7s' } },
    without: { retry: THREE },
    story: attempts,
    seen: [
      [0, 7, 14],
      [0, 1, 2],
    ],
  },
  'retry.backoff': {
    given: { retry: { attempts: 3, delay: '7s', backoff: 'fixed' } },
    without: { retry: { attempts: 3, delay: '7s' } },
    story: async (policies) => ((await attempts(policies)) as [number, number])[1] === 7, // full jitter: almost never so
    seen: [true, false],
  },
  'retry.maxDelay': {
    given: { retry: { attempts: 20, delay: '10s', maxDelay: '10s' } },
    without: { retry: { attempts: 20, delay: '10s' } },
    async story(policies) {
      const times = (await attempts(policies)) as number[];
      return times.slice(1).every((at, index) => at - times[index]! <= 11); // what grows is drawn up to its length
    },
    seen: [true, false],
  },
  'retry.deadline': {
    given: { retry: { ...THREE, delay: '10s', deadline: '15s' } },
    without: { retry: { ...THREE, delay: '10s' } },
    story: attempts,
    seen: [
      [0, 10],
      [0, 10, 20],
    ],
  },
  'retry.retryIf': {
    given: { retry: { ...THREE, delay: '1s', retryIf: (error) => error !== BOOM } },
    without: { retry: { ...THREE, delay: '1s' } },
    async story(policies) {
      probe = await probedCluster({ nodes: 1 });
      const { cluster } = probe;
      const { service } = cluster.node(0);
      let calls = 0;
      const run = (): never => {
        calls++;
        throw BOOM;
      };
      await cluster.during(service.defineTask({ name: 'a', schedule: EVERY_MINUTE, run, ...policies }));
      await cluster.advance('65s');
      return calls;
    },
    seen: [1, 3],
  },
  overlap: {
    given: { overlap: 'allow' },
    story: (policies) => starts(policies, { work: (run) => lasting(15_000)(run) }),
    seen: [
      [10, 20, 30, 40],
      [10, 30],
    ],
  },
  maxParallel: {
    given: { overlap: 'allow', maxParallel: 2 },
    without: { overlap: 'allow' },
    story: (policies) => starts(policies, { work: (run) => lasting(25_000)(run), lasts: '55s' }),
    seen: [
      [10, 20, 40, 50],
      [10, 20, 30, 40, 50],
    ],
  },
  group: {
    given: { group: 'g' },
    async story(policies) {
      const options = { groups: { g: { concurrency: 1 } } };
      probe = await probedCluster({ nodes: 1, options }, (run) => lasting(5_000)(run));
      await probe.add('other', { group: 'g' });
      await probe.add('a', policies);
      await probe.cluster.advance('15s');
      return startsOf('a');
    },
    seen: [[5], [0]],
  },
  circuitBreaker: {
    given: { circuitBreaker: { threshold: 2 } },
    story: failures,
    seen: [
      [10, 20, 80],
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    ],
  },
  'circuitBreaker.halfOpenAfter': {
    given: { circuitBreaker: { threshold: 2, halfOpenAfter: '25s' } },
    without: { circuitBreaker: { threshold: 2 } },
    story: failures,
    seen: [
      [10, 20, 50, 80],
      [10, 20, 80],
    ],
  },
  pauseAfter: {
    given: { pauseAfter: 3 },
    story: failures,
    seen: [
      [10, 20, 30],
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    ],
  },
  misfire: {
    given: { misfire: 'skip' },
    story: afterOutage,
    seen: [[10], [10, 50]],
  },
  misfireLimit: {
    given: { misfire: 'fire-all', misfireLimit: 2 },
    without: { misfire: 'fire-all' },
    story: afterOutage,
    seen: [
      [10, 40, 50],
      [10, 20, 30, 40, 50],
    ],
  },
  misfireDeadline: {
    given: { misfire: 'fire-all', misfireDeadline: '20s' },
    without: { misfire: 'fire-all' },
    story: afterOutage,
    seen: [
      [10, 40, 50],
      [10, 20, 30, 40, 50],
    ],
  },
  recovery: {
    given: { recovery: 'rerun' },
    async story(policies) {
      await starts(policies, { nodes: 2, work: untilAborted, schedule: 'now', lasts: '5s' });
      probe.cluster.crash(probe.firstAndOther().first);
      await probe.cluster.advance('30s');
      return probe.started.length;
    },
    seen: [2, 1],
  },
  standby: {
    given: { standby: false },
    async story(policies) {
      await starts(policies, { nodes: 2, schedule: EVERY_MINUTE, lasts: '119s' });
      probe.firstAndOther().first.host.freeze(); // right before a tick
      await probe.cluster.advance('4s');
      return startsOf('a').length;
    },
    seen: [1, 2], // by the standby two seconds after the tick
  },
  startAt: {
    given: { startAt: '2030-01-01T00:00:15Z' },
    story: starts,
    seen: [
      [20, 30, 40],
      [10, 20, 30, 40],
    ],
  },
  endAt: {
    given: { endAt: '2030-01-01T00:00:25Z' },
    story: starts,
    seen: [
      [10, 20],
      [10, 20, 30, 40],
    ],
  },
  maxRuns: {
    given: { maxRuns: 2 },
    story: starts,
    seen: [
      [10, 20],
      [10, 20, 30, 40],
    ],
  },
  jitter: {
    given: { jitter: '5s' },
    story: async (policies) => (await starts(policies)).every((at) => at % 10 === 0),
    seen: [false, true],
  },
  runOnStart: {
    given: { runOnStart: 'cluster' },
    story: (policies) => starts(policies, { lasts: '15s' }),
    seen: [[0, 10], [10]],
  },
  oneShot: { given: { oneShot: true }, story: starts, seen: [[10], [10, 20, 30, 40]] },
  afterRun: {
    given: { afterRun: 'purge' },
    async story(policies) {
      await starts(policies, { schedule: 'now' });
      return probe.cluster.node(0).service.listTasks().length;
    },
    seen: [0, 1],
  },
  nodeSelector: { given: { nodeSelector: { zone: 'eu' } }, story: starts, seen: [[], [10, 20, 30, 40]] },
  description: {
    given: { description: 'bills' },
    async story(policies) {
      await starts(policies);
      return probe.cluster.node(0).service.getTask('a')?.description;
    },
    seen: ['bills', undefined],
  },
  tags: {
    given: { tags: ['billing'] },
    async story(policies) {
      await starts(policies);
      return probe.cluster.node(0).service.listTasks({ tag: 'billing' }).length;
    },
    seen: [1, 0],
  },
};

describe('Every option does something', () => {
  afterEach(() => probe.cluster.stop());

  describe.each(Object.entries(DIFFERENCES))('%s', (_, { given, without = {}, story, seen }) => {
    it.each([
      ['with it', given, seen[0]],
      ['without it', without, seen[1]],
    ])('%s', async (_, policies, expected) => {
      expect(await story(policies)).toEqual(expected);
    });
  });
});
