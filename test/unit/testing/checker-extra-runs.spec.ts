import { describe, it } from '@jest/globals';
import type { SuccessLedger } from '../../../lib/core/scheduler/success-ledger.js';
import { scheduleKeyOf } from '../../../lib/core/task/catalog.js';
import { DEFAULT_POLICIES } from '../../../lib/core/task/policies.js';
import type { BackfillRequest, TaskDocument } from '../../../lib/core/task/task-definition.js';
import type { End } from '../../../lib/testing/checker/rule.js';
import { judgePair, minute, SCHEDULE, type Pair, type Story, type Telling } from './checker-story.js';

// Rules that judge runs beside the regular turns of ticks, what is noted of successes, and how often a task runs.

const T = minute(1);
/** After everything has had its time: 25 s to settle, 30 s to hear of it. */
const END: End = { now: 6 * T };

const REQUEST: BackfillRequest = { id: 'b1', from: 0, to: 10 * T, only: 'unsuccessful', requestedAt: 0 };
const doc = { definition: { schedule: SCHEDULE } } as unknown as TaskDocument;
const NOTES: SuccessLedger = { schedule: scheduleKeyOf(doc, DEFAULT_POLICIES), since: 0, gaps: [] };

/** Ticks 1 to 3 were missed, and skipped; a backfill was asked for. */
const missed = (s: Story, request: Partial<BackfillRequest> = {}): Story => {
  const at = s.at(3 * T + 30_000);
  const told = asked(at.cluster({ misfire: 'skip' }), request);
  return told.skips('p1', { from: T, to: 3 * T, count: 3, reason: 'misfire-skipped' }).writes('p1', {
    ledger: { ...NOTES, gaps: [[T, 3 * T]] },
  });
};

const asked = (s: Story, request: Partial<BackfillRequest> = {}): Story => {
  s.asks('p1', 'backfillTask').task({
    by: 'p1',
    policies: { misfire: 'skip' },
    backfill: { ...REQUEST, ...request },
  });
  return s.answered().writes('p1', { task: s.token });
};

const backfills = (s: Story, run: string, tick: number, id = 'b1'): Story =>
  s.claimsExtra('p1', run, { tick }, { backfill: { id, cursor: tick, runs: 1 } });

const done = (s: Story, run: string, tick: number): Story =>
  s.starts('p1', run, tick, { trigger: 'backfill' }).ends('p1', run).finishes('p1', run, 'succeeded');

const BACKFILL: Pair[] = [
  {
    what: 'it runs ticks of its range',
    sound: (s) => backfills(missed(s), 'run-1', T),
    broken: (s) => backfills(missed(s, { from: T + 1 }), 'run-1', T),
    says: `tick ${T} of units/report@g1 was claimed for a backfill, but the range is ${T + 1} to ${10 * T}`,
  },
  {
    what: 'it takes no tick that has its regular turn still',
    sound: (s) => backfills(missed(s, { from: 3 * T }), 'run-1', 3 * T),
    broken: (s) => backfills(missed(s, { from: 4 * T }), 'run-1', 4 * T),
    says: `tick ${4 * T} of units/report@g1 was claimed for a backfill, but its regular turn is still to come`,
  },
  {
    what: 'its progress stands in the claim',
    sound: (s) => backfills(missed(s), 'run-1', T),
    broken: (s) => missed(s).claimsExtra('p1', 'run-1', { tick: T }),
    says: 'but the unit does not say so',
  },
  {
    what: 'each tick has one turn',
    sound: (s) => backfills(done(backfills(missed(s), 'run-1', T), 'run-1', T), 'run-2', 2 * T),
    broken: (s) => backfills(done(backfills(missed(s, { only: 'all' }), 'run-1', T), 'run-1', T), 'run-2', T),
    says: 'but it has had its turn in it',
  },
  {
    what: 'one tick at a time',
    sound: (s) => backfills(done(backfills(missed(s), 'run-1', T), 'run-1', T), 'run-2', 2 * T),
    broken: (s) => backfills(backfills(allowing(s), 'run-1', T), 'run-2', 2 * T),
    says: 'but another run of a backfill is going on',
  },
  {
    what: 'what has succeeded is left out',
    sound: (s) => again(done(backfills(missed(s), 'run-1', T), 'run-1', T), { only: 'all' }),
    broken: (s) => again(done(backfills(missed(s), 'run-1', T), 'run-1', T), { only: 'unsuccessful' }),
    says: `tick ${T} of units/report@g1 was claimed for a backfill, but it has succeeded`,
  },
  {
    what: 'what has not is not',
    sound: (s) => backfills(done(backfills(missed(s), 'run-1', T), 'run-1', T), 'run-2', 2 * T),
    broken: (s) => backfills(done(backfills(missed(s), 'run-1', T), 'run-1', T), 'run-2', 3 * T),
    says: `backfill b1 has left out tick ${2 * T}`,
  },
  {
    what: 'nor is it at the end',
    sound: (s) => missed(s, { to: T - 1 }).writes('p1', { backfill: { id: 'b1', cursor: -1, runs: 0, endedAt: T } }),
    broken: (s) => missed(s, { to: T }).writes('p1', { backfill: { id: 'b1', cursor: -1, runs: 0, endedAt: T } }),
    says: `backfill b1 has left out tick ${T}`,
  },
  {
    what: 'it waits for the regular tick that is due',
    sound: (s) => backfills(missed(s).at(4 * T), 'run-1', T),
    broken: (s) => backfills(missed(s).at(4 * T + 20_000), 'run-1', T),
    says: `regular tick ${4 * T} had been due for 20000 ms`,
  },
  {
    what: 'no regular tick is skipped for it',
    sound: (s) => overlapping(s.cluster().at(T).claims('p1', 'run-1', T), 2 * T),
    broken: (s) => overlapping(backfills(missed(s), 'run-1', T), 4 * T),
    says: 'was skipped for run run-1, which makes up for a tick of the past',
  },
  {
    what: 'it is asked for',
    sound: (s) => asked(s.cluster()),
    broken: (s) => s.cluster().task({ by: 'p1', policies: { misfire: 'skip' }, backfill: REQUEST }),
    says: 'a backfill of "report" was begun by p1 without being asked for',
  },
  {
    what: 'it is over when it was cancelled',
    sound: (s) => asked(s.cluster()).asks('p1', 'cancelBackfill').task({ by: 'p1' }).answered(),
    broken: (s) => asked(s.cluster()).asks('p1', 'cancelBackfill').task({ by: 'p1', backfill: REQUEST }).answered(),
    says: 'backfill b1 of "report" was cancelled, and goes on',
  },
];

const allowing = (s: Story): Story => {
  const policies = { overlap: 'allow', misfire: 'skip' } as const;
  const told = missed(s).task({ policies, backfill: REQUEST });
  return told.writes('p1', { task: told.token });
};

/** Another backfill, of tick 1. */
const again = (s: Story, request: Partial<BackfillRequest>): Story =>
  backfills(asked(s, { id: 'b2', ...request }), 'run-9', T, 'b2');

const overlapping = (s: Story, tick: number): Story => {
  const blocker = { runId: 'run-1', nodeId: 'p1' };
  return s.at(tick).skips('p1', { from: tick, to: tick, count: 1, reason: 'overlap', blocker });
};

const life: Telling = (s) =>
  s.cluster({ runOnStart: 'cluster' }).document('life', { id: 'l1', boot: 'p1', at: 0 }, 'p1');
const ofVersion: Telling = (s) => s.cluster({ runOnStart: 'version' });
const forStart = (s: Story, run: string, start: string | undefined): Story =>
  s.claimsExtra('p1', run, { trigger: 'start' }, start === undefined ? {} : { started: [start] });

const START_RUN: Pair[] = [
  {
    what: 'a run for a start says for which',
    sound: (s) => forStart(life(s), 'run-1', 'life l1'),
    broken: (s) => forStart(life(s), 'run-1', undefined),
    says: 'run run-1 of units/report@g1 was claimed for a start, but the unit does not say for which',
  },
  {
    what: 'there is such a life',
    sound: (s) => forStart(life(s), 'run-1', 'life l1'),
    broken: (s) => forStart(life(s), 'run-1', 'life l2'),
    says: 'there is no life l2 of the cluster',
  },
  {
    what: 'it is what the task asks for',
    sound: (s) => forStart(ofVersion(s), 'run-1', 'version 1.0'),
    broken: (s) => forStart(life(s), 'run-1', 'version 1.0'),
    says: 'its task asks for none of a version',
  },
  {
    what: 'a version is that of the node',
    sound: (s) => forStart(ofVersion(s), 'run-1', 'version 1.0'),
    broken: (s) => forStart(ofVersion(s), 'run-1', 'version 2.0'),
    says: 'its node is of version 1.0, not 2.0',
  },
  {
    what: 'what is noted has run',
    sound: (s) => forStart(life(s), 'run-1', 'life l1'),
    broken: (s) => life(s).writes('p1', { started: ['life l1'] }),
    says: 'units/report@g1 says it has run for life l1, and has not',
  },
  {
    what: 'no tick stands behind it',
    sound: (s) => s.at(T).starts('p1', 'run-1', undefined, { trigger: 'start', token: '5' }),
    broken: (s) => s.at(T).starts('p1', 'run-1', T, { trigger: 'start', token: '5' }),
    says: `run run-1 of "report", which is a start, was started for tick ${T}`,
  },
  {
    what: 'no life begins while a node is at work',
    sound: (s) => s.node('p1').at(T).document('life', { id: 'report', boot: 'p1', at: T }, 'p1'),
    broken: (s) => s.node('p1').at(T).document('life', { id: 'report', boot: 'p2', at: T }, 'p2'),
    says: 'p2 began life report of the cluster, while p1 was at work',
  },
];

const MAX_RUNS: Pair[] = [
  {
    what: 'no more than so many runs',
    sound: (s) => twice(s.cluster({ maxRuns: 2 })),
    broken: (s) => twice(s.cluster({ maxRuns: 1 })),
    says: 'run run-2 of units/report@g1 is the 2th of a tick, of at most 1',
  },
  {
    what: 'it is completed after the last, not before',
    sound: (s) => once(s.cluster({ maxRuns: 1 })).task({ state: 'completed', by: 'p1' }),
    broken: (s) => once(s.cluster({ maxRuns: 2 })).task({ state: 'completed', by: 'p1' }),
    says: `"report" was completed by p1, with tick ${2 * T} still to come`,
  },
  {
    what: 'and it is',
    sound: (s) => once(s.cluster({ maxRuns: 1 })).task({ state: 'completed', by: 'p1' }),
    broken: (s) => once(s.cluster({ maxRuns: 1 })),
    says: '"report" has had its 1 runs, and is not completed',
    end: { now: 2 * T + 30_000 },
  },
];

const once: Telling = (s) =>
  s.at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T).ends('p1', 'run-1').finishes('p1', 'run-1', 'succeeded');
const twice: Telling = (s) =>
  once(s)
    .at(2 * T)
    .claims('p1', 'run-2', 2 * T);

const noting = (s: Story, ledger: SuccessLedger): Story => once(s.cluster()).writes('p1', { ledger });

const LEDGER: Pair[] = [
  {
    what: 'a success is no gap',
    sound: (s) => noting(s, NOTES),
    broken: (s) => noting(s, { ...NOTES, gaps: [[T, T]] }),
    says: `units/report@g1 says that tick ${T} has had no success, which it has`,
    end: { now: T + 5_000 },
  },
  {
    what: 'what is none is one',
    sound: (s) => failing(s, { ...NOTES, gaps: [[T, T]] }),
    broken: (s) => failing(s, NOTES),
    says: `units/report@g1 says that tick ${T} has succeeded, which it has not`,
    end: { now: T + 5_000 },
  },
  {
    what: 'what was before anybody watched is not known',
    sound: (s) => heldAtLast(s.task()),
    broken: (s) => failing(s, NOTES),
    says: `units/report@g1 says that tick ${T} has succeeded, which it has not`,
    end: { now: 2 * T + 5_000 },
  },
  {
    what: 'nothing is forgotten without need',
    sound: (s) => noting(s, { ...NOTES, since: 5 }).writes('p1', { ledger: { ...NOTES, since: 5 } }),
    broken: (s) => noting(s, { ...NOTES, since: 5 }).writes('p1', { ledger: { ...NOTES, since: 6 } }),
    says: 'units/report@g1 has forgotten what succeeded from 5 to 6, with 0 gaps',
  },
  {
    what: 'gaps are in order',
    sound: (s) =>
      noting(s, NOTES).writes('p1', {
        ledger: {
          ...NOTES,
          gaps: [
            [5, 6],
            [7, 9],
          ],
        },
      }),
    broken: (s) =>
      noting(s, NOTES).writes('p1', {
        ledger: {
          ...NOTES,
          gaps: [
            [5, 7],
            [7, 9],
          ],
        },
      }),
    says: 'gap 7,9 of units/report@g1 is out of order',
  },
];

const failing = (s: Story, ledger: SuccessLedger): Story =>
  s
    .cluster()
    .at(T)
    .claims('p1', 'run-1', T)
    .starts('p1', 'run-1', T)
    .ends('p1', 'run-1', 'threw')
    .finishes('p1', 'run-1', 'failed')
    .writes('p1', { ledger });

const heldAtLast: Telling = (s) => {
  const run = { id: 'run-2', tick: 2 * T, trigger: 'schedule', node: 'p1', boot: 'p1', session: 's-p1' } as const;
  const runs = [{ ...run, attempt: 1, claimedAt: 2 * T, seq: 1 }];
  return s.at(2 * T).writes(undefined, {
    task: s.token,
    cursor: 2 * T,
    runs,
    seq: 1,
    counters: { claimed: 2, succeeded: 1 },
    ledger: NOTES,
  });
};

const BACKFILL_END: Pair[] = [
  {
    what: 'it comes to its end',
    sound: (s) => {
      const told = done(backfills(missed(s, { to: T }), 'run-1', T), 'run-1', T).writes('p1', ENDED);
      return ticksOn(told).writes('p1', { ledger: { ...NOTES, gaps: [[2 * T, 5 * T]] } });
    },
    broken: (s) => ticksOn(missed(s, { to: T })),
    says: 'backfill b1 of "report" has not come on for',
    end: END,
  },
];

const ENDED = { backfill: { id: 'b1', cursor: T, runs: 1, endedAt: 4 * T } };

/** The ticks up to the end are settled. */
const ticksOn: Telling = (s) =>
  s.at(5 * T + 58_000).skips('p1', { from: 4 * T, to: 5 * T, count: 2, reason: 'misfire-skipped' });

describe.each([
  ['backfill', [...BACKFILL, ...BACKFILL_END]],
  ['start-run', START_RUN],
  ['max-runs', MAX_RUNS],
  ['ledger', LEDGER],
])('the rule "%s"', (rule, pairs) => {
  it.each(pairs)('$what', (pair) => judgePair(rule, pair));
});
