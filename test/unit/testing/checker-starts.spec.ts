import { describe, expect, it } from '@jest/globals';
import type { ResolvedRetry } from '../../../lib/core/task/policies.js';
import { judgePair, minute, rulesBroken, type Pair, type Story, type Telling } from './checker-story.js';

// Rules that judge the calls of handlers. Each breaks in a story as short as it gets.

const T = minute(1);

const claimedAndStarted: Telling = (s) =>
  s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T).ends('p1', 'run-1');

const SINGLE_START: Pair[] = [
  {
    what: 'an attempt is called once',
    sound: (s) => s.at(T).starts('p1', 'run-1', T, { token: '5' }),
    broken: (s) => s.at(T).starts('p1', 'run-1', T, { token: '5' }).starts('p1', 'run-1', T, { token: '5' }),
    says: 'attempt 1 of run run-1 of "report" was started twice',
  },
  {
    what: 'a tick has one run',
    sound: (s) =>
      s
        .at(T)
        .starts('p1', 'run-1', T, { token: '5' })
        .ends('p1', 'run-1')
        .at(2 * T)
        .starts('p2', 'run-2', 2 * T, { token: '6' }),
    broken: (s) =>
      s.at(T).starts('p1', 'run-1', T, { token: '5' }).ends('p1', 'run-1').starts('p2', 'run-2', T, { token: '6' }),
    says: `tick ${T} of "report" was started by run run-1 and again by run run-2`,
  },
  {
    what: 'a run that is not to be run again stays on its node',
    sound: (s) => onTwoNodes(s.cluster({ recovery: 'rerun' }, { watched: false })),
    broken: (s) => onTwoNodes(s.cluster({ recovery: 'none' }, { watched: false })),
    says: 'run run-1 of "report", which is not to be run again, was started on p1 and on p2',
  },
  {
    what: 'unless it had another attempt to make',
    sound: (s) => onTwoNodes(s.cluster({ recovery: 'none', retry: RETRY }, { watched: false })),
    broken: (s) => {
      const told = s.cluster({ recovery: 'none', retry: RETRY }, { watched: false }).at(T);
      return onTwoNodes(told, (s) => s.aborted('p1', 'run-1'));
    },
    says: 'run run-1 of "report", which is not to be run again, was started on p1 and on p2',
  },
];
const RETRY: ResolvedRetry = { attempts: 2, delayMs: 1_000, backoff: 'fixed', maxDelayMs: 1_000 };

const onTwoNodes = (s: Story, meanwhile: Telling = (told) => told): Story =>
  meanwhile(s.at(T).starts('p1', 'run-1', T, { token: '5' }))
    .ends('p1', 'run-1', 'threw')
    .starts('p2', 'run-1', T, { attempt: 2, token: '6', trigger: 'recovery' });

const CLAIMED: Pair[] = [
  {
    what: 'who starts a run has claimed it',
    sound: (s) => s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T),
    broken: (s) => s.cluster().at(T).claims('p1', 'run-1', T).starts('p2', 'run-1', T),
    says: 'run run-1 of "report" was started on p2, which never claimed it',
  },
  {
    what: 'nobody has settled it before',
    sound: (s) => settledByAnother(s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T)),
    broken: (s) =>
      settledByAnother(s.cluster().at(T).claims('p1', 'run-1', T)).starts('p1', 'run-1', T, { token: '5' }),
    says: 'run run-1 of "report" was started on p1 after it had been settled as lost',
  },
  {
    what: 'nobody has taken it over before',
    sound: (s) =>
      s
        .cluster({ recovery: 'rerun' })
        .at(T)
        .claims('p1', 'run-1', T)
        .nodeGone('p1')
        .takesOver('p2', 'run-1')
        .starts('p2', 'run-1', T, { attempt: 2, trigger: 'recovery' }),
    broken: (s) =>
      s
        .cluster({ recovery: 'rerun' })
        .at(T)
        .claims('p1', 'run-1', T)
        .nodeGone('p1')
        .takesOver('p2', 'run-1')
        .starts('p1', 'run-1', T, { token: '5' }),
    says: 'run run-1 of "report" was started on p1 after p2 had taken it over',
  },
];

const settledByAnother: Telling = (s) => s.nodeGone('p1').finishes('p2', 'run-1', 'lost');

const TOKENS: Pair[] = [
  {
    what: 'no two runs share one',
    sound: (s) =>
      s
        .at(T)
        .starts('p1', 'run-1', T, { token: '5' })
        .ends('p1', 'run-1')
        .at(2 * T)
        .starts('p1', 'run-2', 2 * T, { token: '6' }),
    broken: (s) =>
      s
        .at(T)
        .starts('p1', 'run-1', T, { token: '5' })
        .ends('p1', 'run-1')
        .at(2 * T)
        .starts('p1', 'run-2', 2 * T, { token: '5' }),
    says: 'token 5 of "report" was given to run run-1 on p1 and to run run-2 on p1',
  },
  {
    what: 'who takes a run over has a higher one',
    sound: (s) =>
      s
        .at(T)
        .starts('p1', 'run-1', T, { token: '9' })
        .ends('p1', 'run-1', 'threw')
        .starts('p2', 'run-1', T, { attempt: 2, token: '10' }),
    broken: (s) =>
      s
        .at(T)
        .starts('p1', 'run-1', T, { token: '9' })
        .ends('p1', 'run-1', 'threw')
        .starts('p2', 'run-1', T, { attempt: 2, token: '8' }),
    says: 'run run-1 of "report" went from p1 to p2, and its token from 9 to 8',
  },
  {
    what: 'it is that of a version which holds the run',
    sound: claimedAndStarted,
    broken: (s) => s.cluster().at(T).claims('p1', 'run-1', T).starts('p1', 'run-1', T, { token: '1' }),
    says: 'token 1 of run run-1 is of no version of "report" that holds the run',
  },
];

const ON_TIME: Pair[] = [
  {
    what: 'nothing starts before its tick',
    sound: (s) => s.at(T - 400).starts('p1', 'run-1', T),
    broken: (s) => s.at(T - 600).starts('p1', 'run-1', T),
    says: 'run run-1 of "report" was started on p1 600 ms before its tick',
  },
];

const OVERLAP: Pair[] = [
  {
    what: 'a run waits for the one before it',
    sound: (s) => second(first(s).ends('p1', 'run-1')),
    broken: (s) => second(first(s)),
    says: `run run-2 of "report" was started on p2 at ${2 * T} while run run-1 was going on on p1`,
  },
  {
    what: 'no more of them are claimed than the policy allows',
    sound: (s) =>
      s
        .cluster({ overlap: 'allow', maxParallel: 2 })
        .at(T)
        .claims('p1', 'run-1', T)
        .at(2 * T)
        .claims('p1', 'run-2', 2 * T),
    broken: (s) =>
      s
        .cluster({ overlap: 'allow', maxParallel: 1 })
        .at(T)
        .claims('p1', 'run-1', T)
        .at(2 * T)
        .claims('p1', 'run-2', 2 * T),
    says: 'units/report@g1 holds 2 runs at once: run-1, run-2',
  },
];

const first: Telling = (s) => s.cluster({}, { watched: false }).at(T).starts('p1', 'run-1', T, { token: '5' });
const second: Telling = (s) => s.at(2 * T).starts('p2', 'run-2', 2 * T, { token: '6' });

describe.each([
  ['single-start', SINGLE_START],
  ['claimed', CLAIMED],
  ['tokens', TOKENS],
  ['on-time', ON_TIME],
  ['overlap', OVERLAP],
])('the rule "%s"', (rule, pairs) => {
  it.each(pairs)('$what', (pair) => judgePair(rule, pair));
});

describe('what a fault excuses', () => {
  const takenOver: Telling = CLAIMED[2]!.broken;
  const withFault =
    (what: string, process: string | undefined, telling: Telling): Telling =>
    (s) =>
      telling(s.fault(what, process));

  it.each<[string, Telling, string[]]>([
    ['a killed process does not end its run', (s) => second(first(s).fault('kill', 'p1')), []],
    ['the death of another excuses nothing', (s) => second(first(s).fault('kill', 'p2')), ['overlap']],
    ['a frozen process does not hear that it should end', (s) => second(first(s).fault('freeze', 'p1')), []],
    [
      'just thawed it takes a moment to notice',
      (s) =>
        second(
          first(s)
            .fault('freeze', 'p1')
            .at(2 * T - 900)
            .heal('freeze', 'p1'),
        ),
      [],
    ],
    [
      'after that it has noticed',
      (s) =>
        second(
          first(s)
            .fault('freeze', 'p1')
            .at(2 * T - 1_200)
            .heal('freeze', 'p1')
            .at(2 * T - 1)
            .node('p1'),
        ),
      ['overlap'],
    ],
    ['who was told to end is not waited for', (s) => second(first(s).aborted('p1', 'run-1')), []],
    ['a session ended early leaves its node running', (s) => second(first(s).fault('expire', 'p1')), []],
    ['… and starting what was taken over', withFault('expire', 'p1', takenOver), []],
    ['a freeze does not excuse that', withFault('freeze', 'p1', takenOver), ['claimed']],
    ['nor does an early end of another’s session', withFault('expire', 'p2', takenOver), ['claimed']],
    ['a wrong clock of the registry moves all starts', withFault('server-clock', undefined, ON_TIME[0]!.broken), []],
    ['a wrong clock of the node does not', withFault('clock', 'p1', ON_TIME[0]!.broken), ['on-time']],
    ['who takes over a session that only seemed to end', withFault('expire', 'p2', TOKENS[1]!.broken), []],
  ])('%s', (_what, telling, rules) => expect(rulesBroken(telling)).toEqual(rules));
});

describe('what a loss of data excuses', () => {
  const ran =
    (by: string): Telling =>
    (s) =>
      claimedOn(s.cluster(), by, 'run-1');
  const again =
    (by: string): Telling =>
    (s) =>
      claimedOn(s.cluster(), by, 'run-2');
  const claimedOn = (s: Story, by: string, run: string): Story =>
    s.at(T).claims(by, run, T).starts(by, run, T).ends(by, run);
  const twice: Telling = (s) =>
    s.at(T).starts('p1', 'run-1', T, { token: '5' }).ends('p1', 'run-1').starts('p2', 'run-2', T, { token: '6' });

  it.each<[string, Telling, string[]]>([
    ['a tick runs twice: who had claimed nothing cannot know', (s) => again('p2')(ran('p1')(s).dataLoss()), []],
    ['who had may know that all is gone', (s) => again('p1')(ran('p1')(s).dataLoss()), ['single-start']],
    ['but not that the latest is', (s) => again('p1')(ran('p1')(s).dataLoss(T - 10_000)), []],
    ['what came after the loss is known', (s) => twice(s.dataLoss()), ['single-start']],
    [
      'a run that stands nowhere any more is not waited for',
      (s) =>
        second(
          first(s)
            .at(T + 1)
            .dataLoss(),
        ),
      [],
    ],
  ])('%s', (_what, telling, rules) => expect(rulesBroken(telling)).toEqual(rules));
});
