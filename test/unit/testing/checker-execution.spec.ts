import { describe, it } from '@jest/globals';
import type { Failures } from '../../../lib/core/scheduler/failures.js';
import type { UnitState } from '../../../lib/core/scheduler/unit-state.js';
import type { ResolvedPolicies, ResolvedRetry } from '../../../lib/core/task/policies.js';
import { judgePair, minute, type Pair, type Story, type Telling } from './checker-story.js';

// Rules that judge what is between two runs, two attempts, and what ends a run before it ends by itself.

const T = minute(1);

const run = (s: Story, id: string, tick: number): Story => s.at(tick).claims('p1', id, tick).starts('p1', id, tick);
const over = (s: Story, id: string): Story => s.ends('p1', id).finishes('p1', id, 'succeeded');
/** Nothing befalls anybody from now on. */
const quiet: Telling = (s) => s.heal('everything');

const QUEUED: Partial<UnitState> = { cursor: 2 * T, queued: { tick: 2 * T, trigger: 'schedule' } };

/** A run is going on, and the next tick waits for it to end. */
const waits = (s: Story, policies: Partial<ResolvedPolicies> = { overlap: 'queue' }): Story =>
  run(quiet(s.cluster(policies)), 'run-1', T)
    .at(2 * T)
    .writes('p1', QUEUED);

const QUEUE: Pair[] = [
  {
    what: 'the tick that waited is run',
    sound: (s) => over(waits(s), 'run-1').runsQueued('p1', 'run-2'),
    broken: (s) =>
      over(waits(s), 'run-1').writes('p1', {
        queued: undefined,
        counters: { claimed: 1, succeeded: 1, overlap: 1 },
      } as Partial<UnitState>),
    says: `units/report@g1: tick ${2 * T} waited, and was lost`,
  },
  {
    what: 'nothing is run before it',
    sound: (s) =>
      over(waits(s), 'run-1')
        .at(3 * T)
        .runsQueued('p1', 'run-2'),
    broken: (s) =>
      over(waits(s), 'run-1')
        .at(3 * T)
        .claims('p1', 'run-2', 3 * T),
    says: `units/report@g1: run run-2 of tick ${3 * T} was claimed, and tick ${2 * T} went on waiting`,
  },
  {
    what: 'it waits only where its task says so',
    sound: (s) => waits(s),
    broken: (s) => waits(s, { overlap: 'skip' }),
    says: `units/report@g1: tick ${2 * T} was made to wait, but the policy is skip`,
  },
  {
    what: 'and only behind as many runs as may go on',
    sound: (s) => waits(s),
    broken: (s) => waits(s, { overlap: 'queue', maxParallel: 2 }),
    says: `units/report@g1: tick ${2 * T} was made to wait, but nothing was in its way`,
  },
  {
    what: 'it does not wait for nothing',
    sound: (s) =>
      over(waits(s), 'run-1')
        .runsQueued('p1', 'run-2')
        .starts('p1', 'run-2', 2 * T),
    broken: (s) => over(waits(s), 'run-1'),
    says: `tick ${2 * T} of "report" waits for nothing`,
    end: { now: 2 * T + 30_000 },
  },
];

const REPLACE: Pair[] = [
  {
    what: 'the run in the way is told to end',
    sound: (s) =>
      waits(s, { overlap: 'replace' })
        .at(2 * T + 1_000)
        .aborted('p1', 'run-1')
        .at(2 * T + 9_000)
        .ends('p1', 'run-1', 'threw'),
    broken: (s) =>
      waits(s, { overlap: 'replace' })
        .at(2 * T + 9_000)
        .ends('p1', 'run-1'),
    says: `run run-1 of units/report@g1 has been in the way of a tick that is to replace it for 9000 ms`,
  },
];

const BREAKER = { circuitBreaker: { threshold: 2, halfOpenAfterMs: 90_000 } };
const broke = (s: Story, id: string, tick: number, failures: Failures | undefined): Story =>
  run(s, id, tick)
    .ends('p1', id, 'threw')
    .finishes('p1', id, 'failed', { failures } as Partial<UnitState>);

const once = (s: Story, policies: Partial<ResolvedPolicies> = BREAKER): Story =>
  broke(s.cluster(policies), 'run-1', T, { since: 0, count: 1 });
/** Open from the second failure until half a minute after the third tick. */
const opened = (s: Story, policies: Partial<ResolvedPolicies> = BREAKER): Story =>
  broke(once(s, policies), 'run-2', 2 * T, { since: 0, count: 2, openedAt: 2 * T });
const skipped: Telling = (s) => s.at(3 * T).skips('p1', { from: 3 * T, to: 3 * T, count: 1, reason: 'circuit-open' });
const probing: Telling = (s) => run(skipped(opened(s, { ...BREAKER, overlap: 'allow' })), 'run-4', 4 * T);

const CIRCUIT: Pair[] = [
  {
    what: 'a failure is counted once',
    sound: (s) => once(s),
    broken: (s) => broke(s.cluster(BREAKER), 'run-1', T, { since: 0, count: 2, openedAt: T }),
    says: 'run run-1 was failed, and its failures went from none to 2 since 0, opened 60000 instead of 1 since 0, opened never',
  },
  {
    what: 'at the threshold the circuit opens',
    sound: (s) => opened(s),
    broken: (s) => broke(once(s), 'run-2', 2 * T, { since: 0, count: 2 }),
    says: 'to 2 since 0, opened never instead of 2 since 0, opened 120000',
  },
  {
    what: 'a success ends the count',
    sound: (s) =>
      run(once(s), 'run-2', 2 * T)
        .ends('p1', 'run-2')
        .finishes('p1', 'run-2', 'succeeded', { failures: undefined } as Partial<UnitState>),
    broken: (s) => over(run(once(s), 'run-2', 2 * T), 'run-2'),
    says: 'run run-2 was succeeded, and its failures went from 1 since 0, opened never to 1',
  },
  {
    what: 'nothing else does',
    sound: (s) => once(s).writes('p1', { seq: 1 }),
    broken: (s) => once(s).writes('p1', { failures: undefined } as Partial<UnitState>),
    says: 'its failures went from 1 since 0, opened never to none, and no run ended',
  },
  {
    what: 'no tick is run while it is open',
    sound: (s) => run(skipped(opened(s)), 'run-4', 4 * T),
    broken: (s) => run(opened(s), 'run-3', 3 * T),
    says: `tick ${3 * T} of units/report@g1 was claimed, and the circuit is open until ${2 * T + 90_000}`,
  },
  {
    what: 'and one alone while it is half-open',
    sound: (s) =>
      probing(s)
        .at(5 * T)
        .skips('p1', { from: 5 * T, to: 5 * T, count: 1, reason: 'circuit-open' }),
    broken: (s) => run(probing(s), 'run-5', 5 * T),
    says: `tick ${5 * T} of units/report@g1 was claimed, and the circuit is half-open, with 1 runs going on`,
  },
];

const PAUSING = { pauseAfter: 2 };
const exhausted: Telling = (s) => broke(once(s, PAUSING), 'run-2', 2 * T, { since: 0, count: 2 });
const paused = (s: Story, failures: number): Story =>
  s.task({ policies: PAUSING, state: 'paused', note: `paused after ${failures} failed runs in a row`, by: 'p1' });

const PAUSE_AFTER: Pair[] = [
  {
    what: 'the task is paused instead of run',
    sound: (s) => paused(exhausted(s).at(3 * T), 2),
    broken: (s) => run(exhausted(s), 'run-3', 3 * T),
    says: `tick ${3 * T} of units/report@g1 was claimed after 2 failed runs, when the task was to be paused`,
  },
  {
    what: 'and not before',
    sound: (s) => paused(exhausted(s).at(3 * T), 2),
    broken: (s) => paused(once(s, PAUSING).at(2 * T), 2),
    says: '"report" was paused by p1 after 2 failed runs, of which there were 1',
  },
  {
    what: 'nor for long after',
    sound: (s) => paused(exhausted(quiet(s)).at(3 * T + 1_000), 2),
    broken: (s) => paused(exhausted(quiet(s)).at(3 * T + 9_000), 2),
    says: '"report" was paused by p1 9000 ms after it was to be',
  },
  {
    what: 'and in the end it is',
    sound: (s) => paused(exhausted(s).at(3 * T), 2),
    broken: exhausted,
    says: '"report" has failed 2 times or more, and is not paused 9000 ms after the next tick',
    end: { now: 3 * T + 9_000 },
  },
];

const AGAIN: ResolvedRetry = { attempts: 3, delayMs: 5_000, backoff: 'fixed', maxDelayMs: 10_000 };
/** Its first attempt has failed, and it waits for the second. */
const failed = (s: Story, retry: Partial<ResolvedRetry> = {}, at = T + 5_000): Story =>
  run(quiet(s.cluster({ retry: { ...AGAIN, ...retry } })), 'run-1', T)
    .ends('p1', 'run-1', 'threw')
    .retries('p1', 'run-1', { made: 1, begunAt: T, at });
const begun = (s: Story, at = T + 5_000): Story => s.at(at).retries('p1', 'run-1', { made: 1, begunAt: T });
const second = (s: Story, token = s.token): Story => s.starts('p1', 'run-1', T, { attempt: 2, token });
const goesOn = (s: Story, at: number): Story =>
  failed(s)
    .at(T + 2_000)
    .nodeGone('p1')
    .at(at)
    .takesOver('p2', 'run-1');

const elsewhere = (s: Story, at: number): Story =>
  s
    .at(T + 2_000)
    .nodeGone('p1')
    .at(at)
    .takesOver('p2', 'run-1');
const waitsBeside = (s: Story): Story =>
  run(s, 'run-1', T).retries('p1', 'run-1', { made: 1, begunAt: T, at: T + 5_000 });
const secondElsewhere = (s: Story): Story =>
  s.retries('p2', 'run-1', { made: 1, begunAt: T }).starts('p2', 'run-1', T, { attempt: 2 });

const RETRY: Pair[] = [
  {
    what: 'a further attempt is begun in its unit',
    sound: (s) => second(begun(failed(s))),
    broken: (s) => second(failed(s).at(T + 5_000)),
    says: 'attempt 2 of run run-1 of "report" was started on p1, and was not begun in its unit',
  },
  {
    what: 'which knows of it',
    sound: (s) => second(begun(failed(s))),
    broken: (s) => second(run(s.cluster({ retry: AGAIN }), 'run-1', T).ends('p1', 'run-1', 'threw')),
    says: 'attempt 2 of run run-1 of "report" was started on p1, and its unit knows nothing of it',
  },
  {
    what: 'not before its time',
    sound: (s) => begun(failed(s)),
    broken: (s) => begun(failed(s), T + 1_000),
    says: `run run-1 of units/report@g1 was to wait until ${T + 5_000}, and went on on p1 4000 ms before`,
  },
  {
    what: 'the wait is that of its policy',
    sound: (s) => failed(s),
    broken: (s) => failed(s, {}, T + 1_000),
    says: `run run-1 of units/report@g1 waits until ${T + 1_000}, less than 5000 ms`,
  },
  {
    what: 'and no longer',
    sound: (s) => failed(s),
    broken: (s) => failed(s, {}, T + 9_000),
    says: `run run-1 of units/report@g1 waits until ${T + 9_000}, more than 5000 ms`,
  },
  {
    what: 'there are as many attempts as it says',
    sound: (s) => failed(s, { attempts: 2 }),
    broken: (s) => failed(s, { attempts: 1 }),
    says: 'run run-1 of units/report@g1 is to have another attempt, after 1 of 1',
  },
  {
    what: 'and none after the deadline',
    sound: (s) => failed(s, { deadlineMs: 5_000 }),
    broken: (s) => failed(s, { deadlineMs: 4_000 }),
    says: `run run-1 of units/report@g1 is to have an attempt at ${T + 5_000}, after its deadline ${T + 4_000}`,
  },
  {
    what: 'also where it was late to begin',
    sound: (s) => second(begun(failed(s, { deadlineMs: 5_000 }))),
    broken: (s) => second(begun(failed(s, { deadlineMs: 5_000 }), T + 20_000)),
    says: 'attempt 2 of run run-1 of "report" was started on p1, 15000 ms after its deadline',
  },
  {
    what: 'no two are made at once',
    sound: (s) => second(begun(failed(s))),
    broken: (s) =>
      second(
        begun(
          run(s.cluster({ retry: AGAIN }), 'run-1', T).retries('p1', 'run-1', { made: 1, begunAt: T, at: T + 5_000 }),
        ),
      ),
    says: 'attempt 2 of run run-1 of "report" was started on p1, while the one before it went on there',
  },
  {
    what: 'not on two nodes either',
    sound: (s) => secondElsewhere(goesOn(s, T + 9_000)),
    broken: (s) => secondElsewhere(elsewhere(waitsBeside(s.cluster({ retry: AGAIN, recovery: 'rerun' })), T + 9_000)),
    says: 'attempt 2 of run run-1 of "report" was started on p2, beside attempt 1 on p1',
  },
  {
    what: 'a run that goes on has said that it waits',
    sound: (s) => begun(failed(s)),
    broken: (s) => begun(run(quiet(s.cluster({ retry: AGAIN })), 'run-1', T).ends('p1', 'run-1', 'threw')),
    says: 'run run-1 of units/report@g1 went on, and had not said that it waits',
  },
  {
    what: 'one that waits is not given up',
    sound: (s) =>
      failed(s, { deadlineMs: 5_000 })
        .at(T + 9_000)
        .nodeGone('p1')
        .finishes('p2', 'run-1', 'failed'),
    broken: (s) =>
      failed(s)
        .at(T + 9_000)
        .nodeGone('p1')
        .finishes('p2', 'run-1', 'failed'),
    says: 'run run-1 of units/report@g1, which waited for another attempt, was given up as failed',
  },
  {
    what: 'nor cancelled for nothing',
    sound: (s) => failed(s).asks('p2', 'cancelRun run-1').finishes('p1', 'run-1', 'cancelled'),
    broken: (s) => failed(s).finishes('p1', 'run-1', 'cancelled'),
    says: 'run run-1 of units/report@g1, which waited for another attempt, was cancelled, and nobody asked for it',
  },
  {
    what: 'each has a number of its own',
    sound: (s) => second(begun(failed(s))),
    broken: (s) =>
      second(
        second(begun(failed(s)))
          .ends('p1', 'run-1', 'threw', 2)
          .writes('p1', { seq: 1 }),
      ),
    says: 'attempt 2 of run run-1 of "report" was started on p1, which p1 had made before',
  },
  {
    what: 'a run that waits goes on when its node is gone',
    sound: (s) => goesOn(s, T + 9_000),
    broken: (s) => goesOn(s, T + 24_000),
    says: 'run run-1 of units/report@g1, which had waited on p1, was taken over 19000 ms after it was due',
  },
  {
    what: 'and in the end it has gone on',
    sound: (s) =>
      begun(failed(s))
        .at(T + 40_000)
        .finishes('p1', 'run-1', 'failed'),
    broken: (s) => failed(s),
    says: 'run run-1 of "report" has been due for its next attempt for',
    end: { now: T + 45_000 },
  },
];

const called = (s: Story, policies: Partial<ResolvedPolicies>): Story => run(quiet(s.cluster(policies)), 'run-1', T);

const TIME_LIMITS: Pair[] = [
  {
    what: 'an attempt is told to end after its timeout',
    sound: (s) =>
      called(s, { timeoutMs: 2_000 })
        .at(T + 2_000)
        .aborted('p1', 'run-1'),
    broken: (s) =>
      called(s, { timeoutMs: 2_000 })
        .at(T + 4_000)
        .aborted('p1', 'run-1'),
    says: `run run-1 of "report" was to be told to end on p1 at ${T + 2_000}, and was not for 2000 ms`,
  },
  {
    what: 'and after that of its run',
    sound: (s) => second(begun(failed(s.at(0)))),
    broken: (s) =>
      called(s, { totalTimeoutMs: 2_000 })
        .at(T + 9_000)
        .ends('p1', 'run-1'),
    says: `run run-1 of "report" was to be told to end on p1 at ${T + 2_500}, and was not for 6500 ms`,
  },
  {
    what: 'one that goes on in the end, too',
    sound: (s) =>
      called(s, { timeoutMs: 2_000 })
        .at(T + 2_000)
        .aborted('p1', 'run-1'),
    broken: (s) => called(s, { timeoutMs: 2_000 }),
    says: `run run-1 of "report" was to be told to end on p1 at ${T + 2_000}, and was not for 8000 ms`,
    end: { now: T + 10_000 },
  },
  {
    what: 'none is told to end for nothing',
    sound: (s) =>
      called(s, {})
        .asks('p2', 'cancelRun run-1')
        .at(T + 500)
        .aborted('p1', 'run-1'),
    broken: (s) =>
      called(s, {})
        .at(T + 500)
        .aborted('p1', 'run-1'),
    says: 'run run-1 of "report" was told to end on p1 500 ms after its start, and nobody had a reason to',
  },
];

const cancelled: Telling = (s) =>
  called(s, {})
    .at(T + 100)
    .asks('p2', 'cancelRun run-1');

const CANCEL: Pair[] = [
  {
    what: 'what was done was done',
    sound: (s) => cancelled(s).aborted('p1', 'run-1').answered(),
    broken: (s) => cancelled(s).answered(),
    says: 'run run-1 of "report" was cancelled on p2, and its handler on p1 was not told to end',
  },
  {
    what: 'what is there is found',
    sound: (s) => cancelled(s).ends('p1', 'run-1').answered('refused'),
    broken: (s) => cancelled(s).answered('refused'),
    says: 'the request on p2 to cancel run run-1 of "report" was refused, and its handler goes on on p1',
  },
  {
    what: 'and soon',
    sound: (s) =>
      cancelled(s)
        .at(T + 1_000)
        .aborted('p1', 'run-1')
        .at(T + 3_000)
        .ends('p1', 'run-1', 'threw'),
    broken: (s) =>
      cancelled(s)
        .at(T + 3_000)
        .ends('p1', 'run-1'),
    says: 'the request on p2 to cancel run run-1 of "report" has gone unheard for 2900 ms',
  },
];

const IN_THE_WAY = { count: 1, reason: 'overlap', blocker: { runId: 'run-1', nodeId: 'p1' } } as const;
const skips = (s: Story, tick: number): Story => s.at(tick).skips('p1', { from: tick, to: tick, ...IN_THE_WAY });
const goingOn = (s: Story, policies: Partial<ResolvedPolicies>): Story => run(s.cluster(policies), 'run-1', T);
const openAt = (s: Story, tick: number): Story =>
  s.at(tick).skips('p1', { from: tick, to: tick, count: 1, reason: 'circuit-open' });

const ACCOUNTED: Pair[] = [
  {
    what: 'where its task says so a tick waits',
    sound: (s) => skips(goingOn(s, {}), 2 * T),
    broken: (s) => skips(goingOn(s, { overlap: 'queue' }), 2 * T),
    says: `ticks ${2 * T} to ${2 * T} were settled as overlap at ${2 * T}, but it was to wait`,
  },
  {
    what: 'it runs as what it was',
    sound: (s) => over(waits(s), 'run-1').runsQueued('p1', 'run-2'),
    broken: (s) => over(waits(s), 'run-1').runsQueued('p1', 'run-2', 'misfire'),
    says: `tick ${2 * T}, which had waited, was claimed at ${2 * T} as misfire, but it waited as schedule`,
  },
  {
    what: 'a circuit that is closed keeps nothing from running',
    sound: (s) => openAt(opened(s), 3 * T),
    broken: (s) => openAt(once(s), 2 * T),
    says: `ticks ${2 * T} to ${2 * T} were settled as circuit-open at ${2 * T}, but the circuit was closed`,
  },
  {
    what: 'and a probe is run',
    sound: (s) => openAt(opened(s), 3 * T),
    broken: (s) => openAt(skipped(opened(s)), 4 * T),
    says: `ticks ${4 * T} to ${4 * T} were settled as circuit-open at ${4 * T}, but it would have been the probe`,
  },
];

const completed = (s: Story): Story =>
  s.task({ policies: { overlap: 'queue', maxRuns: 1 }, state: 'completed', by: 'p1' });

const MAX_RUNS: Pair[] = [
  {
    what: 'no task is completed while a tick of it waits',
    sound: (s) => completed(run(s.cluster({ overlap: 'queue', maxRuns: 1 }), 'run-1', T)),
    broken: (s) => completed(waits(s, { overlap: 'queue', maxRuns: 1 })),
    says: `"report" was completed by p1, while tick ${2 * T} waited`,
  },
];

describe.each([
  ['accounted', ACCOUNTED],
  ['max-runs', MAX_RUNS],
  ['queued', QUEUE],
  ['replace', REPLACE],
  ['circuit', CIRCUIT],
  ['pause-after', PAUSE_AFTER],
  ['retry', RETRY],
  ['time-limits', TIME_LIMITS],
  ['cancel', CANCEL],
])('the rule "%s"', (rule, pairs) => {
  it.each(pairs)('$what', (pair) => judgePair(rule, pair));
});
