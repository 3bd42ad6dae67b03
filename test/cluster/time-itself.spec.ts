import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DENSE, HOUR, MINUTE, once, SECOND, specimensOf } from './time-itself/kinds.js';
import { NOTICED_MS, OVER_MS, TELLS, Trial } from './time-itself/trial.js';

const ASLEEP_MS = 8 * HOUR;
/** New York's clocks jump ahead meanwhile. */
const ENDS = Date.UTC(2030, 2, 10, 8, 28);
/** When a machine wakes up: between two ticks, or right on one of everything that is due each second and each minute. */
const WAKES = { 'between ticks': ENDS + 30_300, 'on a tick': ENDS };
/** Whether the time asleep counts on the machine's monotonic clock, and for its timers. */
const MONOTONIC = ['counts', 'stands'] as const;
/** A session has ended and others have looked after what it held. */
const TAKEN_OVER_MS = 20 * SECOND;

/** Days pass in moments; on a busy machine in more of them. */
jest.setTimeout(60_000);

describe('Eight hours asleep', () => {
  let trial: Trial;
  afterEach(() => trial.cluster.stop());

  async function verdict(calmFrom: number): Promise<void> {
    await trial.untilShown(ENDS + OVER_MS);
    await trial.rest();
    expect(trial.problems({ from: calmFrom, to: ENDS + OVER_MS }).slice(0, 20)).toEqual([]);
  }

  describe.each(Object.entries(WAKES))('and awake again %s', (_when, wakes) => {
    describe.each(MONOTONIC)('on a monotonic clock that %s', (monotonic) => {
      it.each([1, 3].flatMap((nodes) => TELLS.map(([told, tells]) => [nodes, told, tells] as const)))(
        'all of %i nodes, with a registry that %s',
        async (nodes, _told, tells) => {
          const trouble = { begins: wakes - ASLEEP_MS, ends: ENDS, missedMs: 5 * HOUR };
          trial = await Trial.onTheEveOf(trouble, { nodes, tells });
          await trial.sleep(wakes, { monotonic });
          await verdict(wakes + NOTICED_MS);
        },
      );

      it('one of 3 nodes: the others run every tick meanwhile', async () => {
        const begins = wakes - ASLEEP_MS;
        const dense = specimensOf(DENSE).filter(({ name }) => /^minute:.*:5m$/.test(name));
        const tells = monotonic === 'counts';
        trial = await Trial.onTheEveOf({ begins, ends: ENDS, missedMs: 5 * HOUR, dense }, { nodes: 3, tells });
        const sleeper = trial.machines[1]!;
        sleeper.sleep(monotonic);
        await trial.until(wakes - MINUTE);
        await trial.add(specimensOf(DENSE.filter(({ name }) => name !== 'minute'))); // not for all of eight hours
        await trial.until(wakes);
        sleeper.wake();
        await verdict(begins + TAKEN_OVER_MS);
      });
    });
  });

  describe.each([1, 3])('the registry and all of %i nodes on one machine', (nodes) => {
    describe.each(TELLS)('with a registry that %s', (_told, tells) => {
      async function laptop(begins: number): Promise<void> {
        trial = await Trial.onTheEveOf({ begins, ends: ENDS, missedMs: 5 * HOUR }, { nodes, tells });
        trial.step(ASLEEP_MS); // nothing else tells the time asleep
      }

      it('where sessions outlive the night', async () => {
        await laptop(ENDS + 30_300 - ASLEEP_MS);
        await verdict(ENDS + 30_300 + NOTICED_MS);
      });

      it('where sessions end at once', async () => {
        await laptop(ENDS + 30_300 - ASLEEP_MS);
        trial.endSessions();
        await verdict(ENDS + 30_300 + NOTICED_MS);
      });

      it('between a claim and its start: what is past its deadline in the morning does not start', async () => {
        await laptop(ENDS - 50 - ASLEEP_MS);
        await verdict(ENDS + NOTICED_MS);
      });
    });
  });

  it.each(MONOTONIC)('between a claim and its start, on a monotonic clock that %s', async (monotonic) => {
    trial = await Trial.onTheEveOf(
      { begins: ENDS - 50 - ASLEEP_MS, ends: ENDS, missedMs: 5 * HOUR },
      { nodes: 3, tells: true },
    );
    await trial.sleep(ENDS - 50, { monotonic });
    await verdict(ENDS + NOTICED_MS);
  });

  it.each(MONOTONIC)('does not oversleep a tick soon after, on a monotonic clock that %s', async (monotonic) => {
    const wakes = ENDS + 30_300;
    const soon = once('soon', wakes + 15 * SECOND);
    const trouble = { begins: wakes - ASLEEP_MS, ends: ENDS, missedMs: 5 * HOUR, dense: [], others: [soon] };
    trial = await Trial.onTheEveOf(trouble, { nodes: 3, tells: true });
    await trial.sleep(wakes, { monotonic });
    await verdict(wakes + NOTICED_MS);
  });

  it('is made up for as the policies say', async () => {
    const [begins, wakes] = [ENDS + 30_300 - ASLEEP_MS, ENDS + 30_300];
    trial = await Trial.onTheEveOf({ begins, ends: ENDS, missedMs: 5 * HOUR }, { nodes: 1, tells: true });
    await trial.sleep(wakes);
    await trial.untilShown(ENDS + OVER_MS);
    await trial.rest();
    const fates = Object.keys(FATES).map((task) => [task, trial.fate(task, begins, wakes)]);
    expect(Object.fromEntries(fates)).toEqual(FATES);
  });
});

const runs = (trigger: string, ...ticks: string[]): string[] => ticks.map((tick) => `${trigger} ${tick}`);

/** Worked out by hand: asleep from 00:28:30.300 to 08:28:30.300, with a limit of 20 for `fire-all`. */
const FATES = {
  'minute:fire-once:5m': ['475 too-late', '4 coalesced', 'misfire 08:28:00'],
  'minute:fire-once:12h': ['479 coalesced', 'misfire 08:28:00'],
  'minute:fire-all:5m': [
    '475 too-late',
    ...runs('misfire', '08:24:00', '08:25:00', '08:26:00', '08:27:00', '08:28:00'),
  ],
  'minute:fire-all:12h': [
    '460 over-limit',
    ...runs('misfire', ...Array.from({ length: 20 }, (_, i) => `08:${String(i + 9).padStart(2, '0')}:00`)),
  ],
  'minute:skip:5m': ['475 too-late', '5 misfire-skipped'],
  'minute:skip:12h': ['480 misfire-skipped'],
  'second:fire-once:5m': ['at least 1000 too-late', '299 coalesced', 'schedule 08:28:30'],
  'second:fire-once:12h': ['at least 1000 coalesced', 'schedule 08:28:30'],
  'second:skip:5m': ['at least 1000 too-late', '299 misfire-skipped', 'schedule 08:28:30'],
  'hourly:fire-once:12h': ['7 coalesced', 'misfire 07:29:00'],
  'hourly:fire-all:12h': runs('misfire', ...Array.from({ length: 8 }, (_, i) => `0${i}:29:00`)),
  'daily:fire-once:5m': ['1 too-late'],
  'daily:fire-all:12h': ['misfire 03:29:00'],
  'daily:skip:12h': ['1 misfire-skipped'],
  'every-7h:fire-once:12h': ['misfire 01:29:00'],
  'at-missed:fire-once:5m': ['1 too-late'],
  'at-missed:fire-once:12h': ['misfire 07:58:00'],
  'at-just-missed:fire-all:5m': ['misfire 08:26:00'],
  'at-just-missed:skip:5m': ['1 misfire-skipped'],
};
