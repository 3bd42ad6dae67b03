import { describe, it, expect } from '@jest/globals';
import type { SkipTail } from '../../../lib/core/scheduler/unit-state.js';
import { judgePair, minute, rulesBroken, type Pair, type Telling } from './checker-story.js';

// Rules that judge the versions of units, tasks and history. Each breaks in a story as short as it gets.

const T = minute(1);

/** A run was claimed at its tick. */
const claimed: Telling = (s) => s.cluster().at(T).claims('p1', 'run-1', T);
const ran: Telling = (s) => claimed(s).starts('p1', 'run-1', T).ends('p1', 'run-1');

const CURSOR: Pair[] = [
  {
    what: 'the cursor only grows',
    sound: (s) => claimed(s).writes('p1', { cursor: T }),
    broken: (s) => claimed(s).writes('p1', { cursor: T - 1 }),
    says: `cursor of units/report@g1 went back from ${T} to ${T - 1}`,
  },
  {
    what: 'the numbers of runs only grow',
    sound: (s) => claimed(s).writes('p1', { seq: 1 }),
    broken: (s) => claimed(s).writes('p1', { seq: 0 }),
    says: 'seq of units/report@g1 went back from 1 to 0',
  },
  {
    what: 'counters only grow',
    sound: (s) =>
      s
        .cluster()
        .writes('p1', { counters: { failed: 2 } })
        .writes('p1', { counters: { failed: 2 } }),
    broken: (s) =>
      s
        .cluster()
        .writes('p1', { counters: { failed: 2 } })
        .writes('p1', { counters: { failed: 1 } }),
    says: 'counter failed of units/report@g1 went back from 2 to 1',
  },
  {
    what: 'it is never touched for an older version of its task',
    sound: (s) => s.cluster().writes('p1', { task: '4' }).writes('p1', { task: '5' }),
    broken: (s) => s.cluster().writes('p1', { task: '5' }).writes('p1', { task: '4' }),
    says: 'units/report@g1 was touched for 5 and then for the older 4',
  },
];

const ACCOUNTED: Pair[] = [
  {
    what: 'no tick is passed over',
    sound: (s) => s.cluster().at(T).claims('p1', 'run-1', T),
    broken: (s) =>
      s
        .cluster()
        .at(2 * T)
        .claims('p1', 'run-1', 2 * T),
    says: `units/report@g1: of 2 ticks in (0, ${2 * T}] 1 were claimed and 0 skipped`,
  },
  {
    what: 'a claim is counted',
    sound: claimed,
    broken: (s) =>
      claimed(s)
        .finishes('p1', 'run-1', 'cancelled')
        .at(2 * T)
        .claims('p1', 'run-2', 2 * T)
        .writes('p1', { counters: { claimed: 3, cancelled: 1 } }),
    says: 'units/report@g1: 0 runs came in, 1 were counted',
  },
  {
    what: 'a tick is claimed when it is due',
    sound: (s) =>
      s
        .cluster()
        .at(T - 500)
        .claims('p1', 'run-1', T),
    broken: (s) =>
      s
        .cluster()
        .at(T - 700)
        .claims('p1', 'run-1', T),
    says: `tick ${T} had its turn at ${T - 700} as schedule, but it is too far ahead`,
  },
  {
    what: 'what is claimed late is a misfire',
    sound: (s) =>
      s
        .cluster()
        .at(T + 20_000)
        .claims('p1', 'run-1', T, { trigger: 'misfire' }),
    broken: (s) =>
      s
        .cluster()
        .at(T + 20_000)
        .claims('p1', 'run-1', T, { trigger: 'schedule' }),
    says: `tick ${T} had its turn at ${T + 20_000} as schedule, but it was late, a misfire`,
  },
  {
    what: 'a tick past its deadline never runs',
    sound: (s) =>
      s
        .cluster()
        .at(T + 20_000)
        .skips('p1', { from: T, to: T, count: 1, reason: 'coalesced' }),
    broken: (s) =>
      s
        .cluster()
        .at(T + 20_000)
        .skips('p1', { from: T, to: T, count: 1, reason: 'too-late' }),
    says: `ticks ${T} to ${T} were settled as too-late at ${T + 20_000}, but its deadline had not passed`,
  },
  {
    what: 'a tick is skipped as its misfire policy says',
    sound: (s) =>
      s
        .cluster({ misfire: 'skip' })
        .at(T + 20_000)
        .skips('p1', MISSED),
    broken: (s) =>
      s
        .cluster({ misfire: 'fire-all' })
        .at(T + 20_000)
        .skips('p1', MISSED),
    says: 'as misfire-skipped at 80000, but the policy is fire-all',
  },
  {
    what: 'it is skipped for a run that is going on',
    sound: (s) =>
      claimed(s)
        .at(2 * T)
        .skips('p1', { ...IN_THE_WAY, blocker: { runId: 'run-1', nodeId: 'p1' } }),
    broken: (s) =>
      claimed(s)
        .at(2 * T)
        .skips('p1', { ...IN_THE_WAY, blocker: { runId: 'run-0', nodeId: 'p1' } }),
    says: 'as overlap at 120000, but its blocker was not going on',
  },
];

const MISSED = { from: T, to: T, count: 1, reason: 'misfire-skipped' } as const;
const IN_THE_WAY = { from: 2 * T, to: 2 * T, count: 1, reason: 'overlap' } as const;

const DEFINITION: Pair[] = [
  {
    what: 'after a change is acknowledged nobody claims under what was before it',
    sound: (s) => changed(s).writes('p1', { task: s.token }).answered().at(T).claims('p2', 'run-1', T),
    broken: (s) => changed(s).answered().at(T).claims('p2', 'run-1', T),
    says: 'run run-1 of units/report@g1 was claimed under version 1 of the task',
  },
  {
    what: 'before it is, they may',
    sound: (s) => changed(s).at(T).claims('p2', 'run-1', T).answered(),
    broken: (s) => changed(s).answered().at(T).claims('p2', 'run-1', T),
    says: 'run run-1 of units/report@g1 was claimed under version 1 of the task',
  },
  {
    what: 'a change that may have come to nothing binds nobody',
    sound: (s) => changed(s).answered('unknown').at(T).claims('p2', 'run-1', T),
    broken: (s) => changed(s).answered('done').at(T).claims('p2', 'run-1', T),
    says: 'run run-1 of units/report@g1 was claimed under version 1 of the task',
  },
  {
    what: 'a paused task has no ticks',
    sound: (s) => paused(s, 'active').at(T).claims('p2', 'run-1', T),
    broken: (s) => paused(s, 'paused').at(T).claims('p2', 'run-1', T),
    says: 'run run-1 of units/report@g1 was claimed while the task was paused',
  },
  {
    what: 'a deleted task is not run by hand either',
    sound: (s) => paused(s, 'paused').at(T).claims('p2', 'run-1', undefined),
    broken: (s) => paused(s, 'deleted').at(T).claims('p2', 'run-1', undefined),
    says: 'run run-1 of units/report@g1 was claimed of a task that is deleted',
  },
  {
    what: 'after a halt and one resync nothing starts',
    sound: (s) =>
      halted(s)
        .at(T + 34_000)
        .starts('p1', 'run-1', T),
    broken: (s) =>
      halted(s)
        .at(T + 36_000)
        .starts('p1', 'run-1', T),
    says: 'run run-1 of "report" was started on p1 36000 ms after its task had been halted',
  },
];

const changed: Telling = (s) => s.cluster().asks('p1', 'putTask').task({ by: 'p1' });
const paused = (s: Parameters<Telling>[0], state: 'active' | 'paused' | 'deleted') => {
  const told = s.cluster().task({ state });
  return told.writes('p1', { task: told.token });
};
const halted: Telling = (s) => {
  const told = claimed(s).asks('p2', 'pauseTask').task({ state: 'paused', by: 'p2' });
  return told.writes('p2', { task: told.token }).answered();
};

const BLOCKER = { runId: 'run-1', nodeId: 'p1' };
const SKIP: Omit<SkipTail, 'seq'> = { from: 2 * T, to: 2 * T, count: 1, reason: 'overlap', blocker: BLOCKER };
const queueing: Telling = (s) => s.cluster({ overlap: 'queue' }).at(T).claims('p1', 'run-1', T);
const queues: Telling = (s) =>
  s.at(2 * T).writes('p2', { cursor: 2 * T, queued: { tick: 2 * T, trigger: 'schedule', blocker: BLOCKER } });
const drops: Telling = (s) =>
  s.writes('p2', {
    queued: undefined,
    seq: 2,
    counters: { claimed: 1, overlap: 1 },
    tail: { ...SKIP, seq: 2 },
  } as object);

const RECOVERY: Pair[] = [
  {
    what: 'a run is settled by another when its session is dead',
    sound: (s) => claimed(s).nodeGone('p1').finishes('p2', 'run-1', 'lost'),
    broken: (s) => claimed(s).nodeGone('p2').finishes('p2', 'run-1', 'lost'),
    says: 'run run-1 of units/report@g1 was settled by p2',
  },
  {
    what: 'and taken over no sooner',
    sound: (s) =>
      s.cluster({ recovery: 'rerun' }).at(T).claims('p1', 'run-1', T).nodeGone('p1').takesOver('p2', 'run-1'),
    broken: (s) =>
      s.cluster({ recovery: 'rerun' }).at(T).claims('p1', 'run-1', T).nodeGone('p2').takesOver('p2', 'run-1'),
    says: 'run run-1 of units/report@g1 was taken over by p2',
  },
  {
    what: 'a node that works in a new session has given up what it did not bind to it',
    sound: (s) => claimed(s).node('p1', { session: 's-new' }).finishes('p2', 'run-1', 'lost'),
    broken: (s) => claimed(s).node('p1', { session: 's-new', status: 'starting' }).finishes('p2', 'run-1', 'lost'),
    says: 'run run-1 of units/report@g1 was settled by p2',
  },
  {
    what: 'no tick is skipped for a run whose session is dead',
    sound: (s) =>
      claimed(s)
        .at(2 * T)
        .skips('p2', SKIP),
    broken: (s) =>
      claimed(s)
        .nodeGone('p1')
        .at(2 * T)
        .skips('p2', SKIP),
    says: `a tick of units/report@g1 was skipped for run run-1, whose session had been dead for ${T} ms`,
  },
  {
    what: 'nor waits behind one, though it may be dropped at any time',
    sound: (s) =>
      drops(
        queues(queueing(s))
          .nodeGone('p1')
          .at(2 * T + 10_000)
          .task({ since: 2 * T, policies: { overlap: 'queue' } }),
      ),
    broken: (s) => queues(queueing(s).nodeGone('p1')),
    says: `a tick of units/report@g1 was skipped for run run-1, whose session had been dead for ${T} ms`,
  },
];

const HONEST_END: Pair[] = [
  {
    what: 'what succeeded has returned',
    sound: (s) => ran(s).finishes('p1', 'run-1', 'succeeded'),
    broken: (s) => claimed(s).starts('p1', 'run-1', T).finishes('p1', 'run-1', 'succeeded'),
    says: 'run run-1 of units/report@g1 is recorded as succeeded, but its handler did not return',
  },
  {
    what: 'what failed has thrown',
    sound: (s) => claimed(s).starts('p1', 'run-1', T).ends('p1', 'run-1', 'threw').finishes('p1', 'run-1', 'failed'),
    broken: (s) => ran(s).finishes('p1', 'run-1', 'failed'),
    says: 'run run-1 of units/report@g1 is recorded as failed, but its handler did not throw',
  },
  {
    what: 'what was cancelled has heard of it',
    sound: (s) => claimed(s).starts('p1', 'run-1', T).aborted('p1', 'run-1').finishes('p1', 'run-1', 'cancelled'),
    broken: (s) => claimed(s).starts('p1', 'run-1', T).finishes('p1', 'run-1', 'cancelled'),
    says: 'run run-1 of units/report@g1 is recorded as cancelled, but its handler was not told to end',
  },
  {
    what: 'nobody calls lost what it did run',
    sound: (s) => claimed(s).finishes('p1', 'run-1', 'lost'),
    broken: (s) => ran(s).finishes('p1', 'run-1', 'lost'),
    says: 'run run-1 of units/report@g1 is recorded as lost, but its own process, which says so, did run it',
  },
  {
    what: 'no run goes without an end',
    sound: (s) => ran(s).finishes('p1', 'run-1', 'succeeded'),
    broken: (s) => ran(s).writes('p1', { runs: [] }),
    says: 'run run-1 left units/report@g1 without an end',
  },
  {
    what: 'an end is counted',
    sound: (s) => ran(s).finishes('p1', 'run-1', 'succeeded'),
    broken: (s) => ran(s).writes('p1', { runs: [], last: { id: 'run-1', outcome: 'succeeded', at: T, node: 'p1' } }),
    says: 'run run-1 of units/report@g1 was succeeded, which was counted 0 times',
  },
  {
    what: 'what is to be run again is not given up',
    sound: (s) =>
      s.cluster({ recovery: 'none' }).at(T).claims('p1', 'run-1', T).nodeGone('p1').finishes('p2', 'run-1', 'lost'),
    broken: (s) =>
      s.cluster({ recovery: 'rerun' }).at(T).claims('p1', 'run-1', T).nodeGone('p1').finishes('p2', 'run-1', 'lost'),
    says: 'run run-1 of units/report@g1 is to be run again until it ends, and was given up as lost',
  },
];

const CLAIMANT: Pair[] = [
  {
    what: 'a node that has been leaving claims nothing',
    sound: (s) => s.cluster().node('p1').at(T).claims('p1', 'run-1', T),
    broken: (s) => s.cluster().node('p1', { status: 'leaving' }).at(T).claims('p1', 'run-1', T),
    says: 'run run-1 of units/report@g1 was claimed by p1, which had been leaving',
  },
  {
    what: 'nor does one that cannot run the task',
    sound: (s) => s.cluster({ nodeSelector: {} }).at(T).claims('p1', 'run-1', T),
    broken: (s) =>
      s
        .cluster({ nodeSelector: { disk: 'ssd' } })
        .at(T)
        .claims('p1', 'run-1', T),
    says: 'run run-1 of units/report@g1 was claimed by p1, which cannot run the task',
  },
];

const REVIVAL: Pair[] = [
  {
    what: 'what was deleted comes back when it is asked for',
    sound: (s) => s.cluster().task({ state: 'deleted' }).at(T).asks('p1', 'restoreTask').task({ since: T, by: 'p1' }),
    broken: (s) => s.cluster().task({ state: 'deleted' }).at(T).task({ since: T, by: 'p1' }),
    says: 'task "report" was deleted, and brought back by p1 without being asked to',
  },
];

describe.each([
  ['cursor', CURSOR],
  ['accounted', ACCOUNTED],
  ['definition', DEFINITION],
  ['recovery', RECOVERY],
  ['honest-end', HONEST_END],
  ['claimant', CLAIMANT],
  ['revival', REVIVAL],
])('the rule "%s"', (rule, pairs) => {
  it.each(pairs)('$what', (pair) => judgePair(rule, pair));
});

describe('what a fault excuses', () => {
  const untrue = ACCOUNTED[4]!.broken;
  const passedOver = ACCOUNTED[0]!.broken;
  const under =
    (what: string, process: string | undefined, telling: Telling): Telling =>
    (s) =>
      telling(s.fault(what, process));

  it.each<[string, Telling, string[]]>([
    ['a reason that was true when a frozen process found it', under('freeze', 'p1', untrue), []],
    ['not that of another', under('freeze', 'p2', untrue), ['accounted']],
    ['a reason found by a wrong clock', under('clock', 'p1', untrue), []],
    ['… or by the registry’s', under('server-clock', undefined, untrue), []],
    [
      'a tick that is passed over is excused by nothing',
      under('freeze', 'p1', under('clock', 'p1', passedOver)),
      ['accounted'],
    ],
    [
      'nor by a loss of data, where it came after',
      (s) =>
        s
          .cluster()
          .dataLoss()
          .cluster()
          .at(2 * T + 20_000)
          .skips('p1', { from: T, to: 2 * T, count: 3, reason: 'coalesced' }),
      ['accounted'],
    ],
    ['a run is given up when its task was halted', (s) => halted(s).nodeGone('p1').finishes('p2', 'run-1', 'lost'), []],
  ])('%s', (_what, telling, rules) => expect(rulesBroken(telling)).toEqual(rules));
});
