import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { SkipReason } from '../../lib/core/common/run.js';
import { daily, DAY, DENSE, HOUR, MINUTE, once, SECOND, specimensOf } from './time-itself/kinds.js';
import type { Machine } from './time-itself/machine.js';
import { NOTICED_MS, OVER_MS, TELLS, Trial } from './time-itself/trial.js';

const ENDS = Date.UTC(2030, 4, 10, 8, 28);
const OVER = ENDS + 30_300;

const STEPS = {
  '1 h forth': [HOUR],
  '1 h back': [-HOUR],
  '1 h forth and back again': [HOUR, -HOUR],
  '1 h back and forth again': [-HOUR, HOUR],
  '1 d forth': [DAY],
  '1 d back': [-DAY],
} as const;
/** Of the tasks that are due each second: there is an hour of them. */
const FEW = ['second:fire-once:5m', 'every-1s:fire-all:5m', 'every-1s:skip:5m'];
const APART_MS = 2 * MINUTE;

/** Days pass in moments; on a busy machine in more of them. */
jest.setTimeout(60_000);

describe('A wall clock that is stepped', () => {
  let trial: Trial;
  afterEach(() => trial.cluster.stop());

  async function verdict(from = OVER + NOTICED_MS): Promise<void> {
    await trial.untilShown(ENDS + OVER_MS);
    await trial.rest();
    expect(trial.problems({ from, to: ENDS + OVER_MS }).slice(0, 20)).toEqual([]);
  }

  /** One step after the other, some time apart. */
  async function take(steps: readonly number[], machines?: readonly Machine[]): Promise<void> {
    for (const [i, by] of steps.entries()) {
      if (i > 0) await trial.cluster.advance(APART_MS);
      trial.step(by, machines);
    }
  }

  describe.each([1, 3])('on all of %i nodes', (nodes) => {
    describe.each(Object.entries(STEPS))('by %s', (_, steps) => {
      // Days take long: each once.
      const registries = TELLS.filter(([, tells]) => Math.abs(steps[0]) < DAY || tells === (nodes === 3));

      it.each(registries)('and with them the registry, which %s', async (_told, tells) => {
        const begins = OVER - furthest(steps);
        trial = await Trial.onTheEveOf({ begins, ends: ENDS, missedMs: HOUR }, { nodes, tells });
        await take(steps);
        await verdict();
      });

      it('while the registry tells the right time: no tick is lost', async () => {
        trial = await Trial.onTheEveOf({ begins: OVER - APART_MS, ends: ENDS, missedMs: HOUR }, { nodes, tells: true });
        await take(steps, trial.machines);
        await verdict();
        expect(trial.skips().filter((skip) => !isOfAMoment(skip, steps))).toEqual([]);
      });
    });
  });

  it.each([1, 3].flatMap((nodes) => TELLS.map(([told, tells]) => ({ nodes, told, tells }))))(
    'by 1 h back on $nodes nodes and the registry, which $told, before all of them lose their sessions: nothing runs again',
    async ({ nodes, tells }) => {
      trial = await Trial.onTheEveOf({ begins: OVER, ends: ENDS, missedMs: HOUR }, { nodes, tells });
      trial.step(-HOUR);
      trial.endSessions(); // whoever takes a unit now has only the registry to tell him what has run
      await verdict();
    },
  );

  it.each([1, 3])(
    'on %i nodes between a claim and its start, while the registry tells the right time',
    async (nodes) => {
      trial = await Trial.onTheEveOf({ begins: OVER, ends: ENDS, missedMs: HOUR }, { nodes, tells: true });
      const { anchor } = trial.books.accounts().find(({ specimen: { name } }) => name.startsWith('every-1s'))!;
      await trial.cluster.advance(SECOND + ((anchor - OVER) % SECOND) - 97); // some are claimed, others are about to be
      trial.step(HOUR, trial.machines);
      await verdict();
      expect(trial.skips().filter((skip) => !isOfAMoment(skip, [HOUR]))).toEqual([]);
    },
  );

  it.each([1, 3].flatMap((nodes) => TELLS.map(([told, tells]) => ({ nodes, told, tells }))))(
    'on $nodes nodes and the registry, which $told, does not oversleep a tick that was an hour away and is near now',
    async ({ nodes, tells }) => {
      const soon = once('soon', OVER + 15 * SECOND);
      const trouble = { begins: OVER - HOUR, ends: ENDS, missedMs: HOUR, dense: [], others: [soon] };
      trial = await Trial.onTheEveOf(trouble, { nodes, tells });
      trial.step(HOUR);
      await verdict();
    },
  );

  describe('on one of 3 nodes', () => {
    it.each(Object.entries(STEPS))('by %s, while the registry tells the right time', async (_, steps) => {
      trial = await Trial.onTheEveOf(
        { begins: OVER - APART_MS, ends: ENDS, missedMs: HOUR },
        { nodes: 3, tells: true },
      );
      await take(steps, [trial.machines[1]!]);
      await verdict();
      expect(trial.skips().filter((skip) => !isOfAMoment(skip, steps))).toEqual([]);
      expect(
        trial.starts.filter(({ at, tick, node }) => at > OVER - APART_MS && at - tick > 50 && node !== 'node-2'),
      ).toEqual([]);
    });

    it.each([HOUR, -HOUR, DAY, -DAY])('by %i ms and back again, while nobody tells the time', async (by) => {
      const begins = OVER - Math.max(by, 0) - APART_MS;
      const dense = specimensOf(DENSE).filter(
        ({ name }) => /^minute:.*:5m$/.test(name) || (by < DAY && FEW.includes(name)),
      );
      trial = await Trial.onTheEveOf({ begins, ends: ENDS, missedMs: HOUR, dense }, { nodes: 3, tells: false });
      await take([by, -by], [trial.machines[1]!]);
      await verdict();
    });

    it.each([HOUR, -HOUR])('by %i ms for good, while nobody tells the time: each tick starts once', async (by) => {
      trial = await Trial.onTheEveOf({ begins: OVER, ends: ENDS, missedMs: HOUR }, { nodes: 3, tells: false });
      trial.step(by, [trial.machines[1]!]);
      await trial.untilShown(ENDS + 5 * MINUTE);
      await trial.rest();
      expect(trial.problems()).toEqual([]);
    });
  });
});

/** Around the hours in which New York's clocks jump ahead, at 07:00 UTC, and go back, at 06:00 UTC. */
const CHANGES = {
  'over the jump ahead': { from: '2030-03-10T06:29:30Z', by: HOUR },
  'over the jump ahead, past a tick that comes late': { from: '2030-03-10T06:40:30Z', by: HOUR },
  'back over the jump ahead': { from: '2030-03-10T07:35:30Z', by: -HOUR },
  'over the change to winter': { from: '2030-11-03T05:20:30Z', by: HOUR },
  'back over the change to winter': { from: '2030-11-03T06:35:30Z', by: -HOUR },
} as const;

/** Once a day at times that do not come, or come twice. */
const AT_CHANGES = [
  daily('daily-02:30', [Date.UTC(2030, 0, 1, 7, 30)]),
  daily('daily-01:30', [Date.UTC(2030, 0, 1, 6, 30)]),
];

describe('A step that leads', () => {
  let trial: Trial;
  afterEach(() => trial.cluster.stop());

  it.each(
    Object.entries(CHANGES).flatMap(([way, change]) => [
      { way, nodes: 3, tells: true, change },
      { way, nodes: 1, tells: false, change },
    ]),
  )('$way: $nodes nodes, with a registry that tells the time: $tells', async ({ nodes, tells, change }) => {
    const begins = Date.parse(change.from);
    const shows = begins + Math.max(change.by, 0);
    const ends = Math.floor(shows / MINUTE) * MINUTE;
    trial = await Trial.onTheEveOf({ begins, ends, missedMs: HOUR, others: AT_CHANGES }, { nodes, tells });
    trial.step(change.by);
    await trial.untilShown(ends + OVER_MS);
    await trial.rest();
    expect(trial.problems({ from: shows + NOTICED_MS, to: ends + OVER_MS }).slice(0, 20)).toEqual([]);
  });
});

/** How far ahead of its course the clock is at most, when the last step has been taken. */
function furthest(steps: readonly number[]): number {
  let shown = 0;
  return Math.max(0, ...steps.map((by, i) => (shown += by + (i > 0 ? APART_MS : 0))));
}

/**
 * A node that finds its clock stepped claims nothing until its next heartbeat, for 3.3 s at most. The run that makes up
 * for it may be in the way of the next tick.
 */
function isOfAMoment({ reason, count }: { reason: SkipReason; count: number }, steps: readonly number[]): boolean {
  const most: Partial<Record<SkipReason, number>> = { coalesced: 4, 'misfire-skipped': 4, overlap: 1 };
  return count <= (most[reason] ?? 0) * steps.length;
}
