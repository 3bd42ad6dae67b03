import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DAY, DENSE, HOUR, MINUTE, SECOND, specimensOf } from './time-itself/kinds.js';
import { NOTICED_MS, OVER_MS, TELLS, Trial, type Curve } from './time-itself/trial.js';

/** One second is put in before this. */
const MIDNIGHT = Date.UTC(2031, 0, 1);

/** What clocks show beside time that knows of no such second. */
const CURVES = {
  'stands for one second': (now) => -Math.min(Math.max(now - MIDNIGHT, 0), SECOND),
  'shows the last second of the year twice': (now) => (now < MIDNIGHT ? 0 : -SECOND),
  'is smeared over a day': (now) => -SECOND * Math.min(Math.max((now - MIDNIGHT + DAY / 2) / DAY, 0), 1),
} as const satisfies Record<string, Curve>;

/** What every trial around midnight begins and ends with. */
const BEGINS = MIDNIGHT - 5 * SECOND;
const ENDS = MIDNIGHT + MINUTE;

/** Days pass in moments; on a busy machine in more of them. */
jest.setTimeout(60_000);

describe('A leap second, on a clock that', () => {
  let trial: Trial;
  afterEach(() => trial.cluster.stop());

  async function verdict(calmFrom: number, ends: number): Promise<void> {
    await trial.untilShown(ends + OVER_MS);
    await trial.rest();
    expect(trial.problems({ from: calmFrom, to: ends + OVER_MS }).slice(0, 20)).toEqual([]);
  }

  describe.each(Object.entries(CURVES))('%s', (_, curve) => {
    const cases = [1, 3].flatMap((nodes) => TELLS.map(([told, tells]) => [nodes, told, tells] as const));

    it.each(cases)(
      'everywhere, %i nodes, with a registry that %s: every tick is on time',
      async (nodes, _told, tells) => {
        const curves = { nodes: curve, registry: curve };
        const trouble = { begins: BEGINS, ends: ENDS, missedMs: HOUR };
        trial = await Trial.onTheEveOf(trouble, { nodes, tells, curves });
        await verdict(BEGINS, ENDS);
        expect(trial.skips()).toEqual([]);
      },
    );

    it.each([1, 3])('on %i nodes, of which the registry knows nothing', async (nodes) => {
      const trouble = { begins: BEGINS, ends: ENDS, missedMs: HOUR };
      trial = await Trial.onTheEveOf(trouble, { nodes, tells: true, curves: { nodes: curve } });
      await verdict(MIDNIGHT + NOTICED_MS, ENDS);
    });

    it.each([1, 3])('in the registry, of which %i nodes know nothing', async (nodes) => {
      const trouble = { begins: BEGINS, ends: ENDS, missedMs: HOUR };
      const registryBackMs = curve(MIDNIGHT - 1) - curve(MIDNIGHT + SECOND) > 1 ? SECOND : 0;
      trial = await Trial.onTheEveOf(trouble, { nodes, tells: true, curves: { registry: curve }, registryBackMs });
      await verdict(MIDNIGHT + NOTICED_MS, ENDS);
    });
  });

  it.each(TELLS)(
    'is smeared over a whole day, with a registry that %s: every tick of it is on time',
    async (_, tells) => {
      const curve = CURVES['is smeared over a day'];
      const begins = MIDNIGHT - DAY / 2 - MINUTE;
      const dense = specimensOf(DENSE).filter(({ name }) => /^minute:.*:5m$/.test(name));
      const trouble = { begins, ends: begins + DAY + 2 * MINUTE, missedMs: HOUR, dense };
      trial = await Trial.onTheEveOf(trouble, { nodes: 1, tells, curves: { nodes: curve, registry: curve } });
      await verdict(begins, trouble.ends);
      expect(trial.skips()).toEqual([]);
    },
  );
});
