import { describe, expect, it } from '@jest/globals';
import type { LogEntry } from '../../../lib/testing/checker/log.js';
import type { End } from '../../../lib/testing/checker/rule.js';
import { judgePair, minute, rulesBroken, TASK, UNIT_KEY, verdictOn, type Pair, type Telling } from './checker-story.js';

// Rules that judge what has come about in the end, and logs as others than the simulation keep them.

const T = minute(1);
const END: End = { now: T + 30_000 };
const QUIET: End = { now: 2 * T + 10_000, calmSince: T + 10_000 };

const ran: Telling = (s) =>
  s
    .cluster()
    .at(T)
    .claims('p1', 'run-1', T)
    .starts('p1', 'run-1', T)
    .ends('p1', 'run-1')
    .finishes('p1', 'run-1', 'succeeded');

const SETTLED: Pair[] = [
  {
    what: 'a tick that is due is settled',
    sound: ran,
    broken: (s) => s.cluster(),
    says: `the tick ${T} of "report" is not settled 30000 ms later`,
    end: END,
  },
  {
    what: 'a task has its unit',
    sound: ran,
    broken: (s) => ran(s).document(UNIT_KEY, undefined),
    says: 'task "report" has no unit',
    end: END,
  },
  {
    what: 'a unit has its task',
    sound: ran,
    broken: (s) => ran(s).document('units/report@g0', { cursor: 0, task: '1', runs: [], seq: 0, counters: {} }),
    says: 'units/report@g0 is of no task any more',
    end: END,
  },
  {
    what: 'no run is left over by a node that is gone',
    sound: (s) => s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T),
    broken: (s) => s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T).nodeGone('p1'),
    says: `run run-1 of "report", held by p1 since ${T}, is left over`,
    end: END,
  },
  {
    what: 'nor by one that does not execute it',
    sound: (s) => s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T),
    broken: (s) => s.cluster().at(T).claims('p1', 'run-1', T),
    says: `run run-1 of "report", held by p1 since ${T}, is left over`,
    end: END,
  },
];

const PROMPT: Pair[] = [
  {
    what: 'in quiet every tick starts',
    sound: (s) => again(ran(s).at(2 * T)),
    broken: (s) =>
      ran(s)
        .at(2 * T)
        .writes('p1', { cursor: 2 * T, counters: { claimed: 1, succeeded: 1, overlap: 1 } }),
    says: `tick ${2 * T} of "report" did not start, although nothing was in its way`,
    end: QUIET,
  },
  {
    what: 'and does so at once',
    sound: (s) => again(ran(s).at(2 * T + 900)),
    broken: (s) => again(ran(s).at(2 * T + 1_200)),
    says: `tick ${2 * T} of "report" started 1200 ms late in quiet`,
    end: QUIET,
  },
];

const again: Telling = (s) =>
  s
    .claims('p1', 'run-2', 2 * T)
    .starts('p1', 'run-2', 2 * T)
    .ends('p1', 'run-2')
    .finishes('p1', 'run-2', 'succeeded');

const record = (outcome: string) => ({ kind: 'run', id: 'run-1', task: TASK, unit: TASK, outcome });

const HISTORY: Pair[] = [
  {
    what: 'history tells what the unit told',
    sound: (s) => ran(s).document(`history/${TASK}/1`, record('succeeded'), 'p1'),
    broken: (s) => ran(s).document(`history/${TASK}/1`, record('lost'), 'p1'),
    says: 'history/report/1 says that run run-1 was lost, its unit that it was succeeded',
    end: END,
  },
];

describe.each([
  ['settled', SETTLED],
  ['prompt', PROMPT],
  ['history', HISTORY],
])('the rule "%s"', (rule, pairs) => {
  it.each(pairs)('$what', (pair) => judgePair(rule, pair));
});

describe('what is not held against a cluster in the end', () => {
  it.each<[string, Telling, End, string[]]>([
    ['a tick that nobody could take', (s) => s.cluster().nodeGone('p1').nodeGone('p2'), END, []],
    ['a tick of a task that is paused', (s) => s.cluster().task({ state: 'paused' }), END, []],
    ['a tick that is only just due', (s) => s.cluster(), { now: T + 20_000 }, []],
    ['what was skipped before it was quiet', ran, { now: 2 * T, calmSince: 2 * T - 10_000 }, []],
    [
      'a unit of a task whose change was given up',
      (s) => SETTLED[2]!.broken(s.asks('p1', 'putTask').answered('unknown')),
      END,
      [],
    ],
    [
      'but one of a change that was done',
      (s) => SETTLED[2]!.broken(s.asks('p1', 'putTask').answered()),
      END,
      ['settled'],
    ],
    [
      'what a node wrote to history that was wrong about its session',
      (s) => HISTORY[0]!.broken(s.fault('expire', 'p1')),
      END,
      [],
    ],
    ['not that it stood still', (s) => HISTORY[0]!.broken(s.fault('freeze', 'p1')), END, ['history']],
  ])('%s', (_what, telling, end, rules) => expect(rulesBroken(telling, end)).toEqual(rules));
});

describe('a log of calls alone, with the documents as they are found at the end', () => {
  const calls: Telling = (s) =>
    s
      .at(T)
      .starts('p1', 'run-1', T, { token: '5' })
      .ends('p1', 'run-1')
      .at(2 * T)
      .starts('p2', 'run-2', 2 * T, { token: '6' })
      .ends('p2', 'run-2');
  const found =
    (cursor: number, claimed: number): Telling =>
    (s) => {
      const told = calls(s).task();
      const unit = {
        cursor,
        claimed: cursor,
        task: told.token,
        runs: [],
        seq: claimed,
        counters: { claimed, succeeded: claimed },
      };
      return told.document(UNIT_KEY, unit).node('p1').node('p2');
    };

  it.each<[string, Telling, string[]]>([
    ['every tick has its run', found(2 * T, 2), []],
    ['a tick was passed over', found(3 * T, 2), ['accounted']],
    ['a run came from nowhere', found(2 * T, 3), ['accounted']],
    [
      'a tick ran twice',
      (s) => found(2 * T, 2)(s.at(T).starts('p2', 'run-0', T, { token: '4' }).ends('p2', 'run-0')),
      ['single-start'],
    ],
    ['a tick was not settled at all', found(T, 1), ['settled']],
  ])('%s', (_what, telling, rules) => {
    expect(rulesBroken(telling, { now: 2 * T + 30_000 })).toEqual(rules);
  });
});

describe('a log kept as JSON, a line for each entry', () => {
  const lines = (log: LogEntry[]): LogEntry[] => log.map((entry) => JSON.parse(JSON.stringify(entry)) as LogEntry);
  const bad: Telling = (s) =>
    HISTORY[0]!
      .broken(s)
      .fault('freeze', 'p2')
      .heal('freeze', 'p2')
      .starts('p2', 'run-1', T)
      .aborted('p2', 'run-1')
      .asks('p1', 'pauseTask')
      .answered('refused')
      .dataLoss(T);

  it('is judged as the one it was made from', () => {
    const verdict = verdictOn(bad, END);
    expect(verdict.length).toBeGreaterThan(0);
    expect(verdictOn(bad, END, lines)).toEqual(verdict);
  });

  it('loses nothing', () => {
    verdictOn(bad, END, (log) => {
      expect(lines(log)).toEqual(log);
      return log;
    });
  });
});
