import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bounded } from '../../../lib/core/schedule/bounds.js';
import { jittered } from '../../../lib/core/schedule/jitter.js';
import { normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import { previewOf, type SchedulePreview } from '../../../lib/core/schedule/preview.js';
import { compileSchedule, normalizeSchedule, type ScheduleSpec } from '../../../lib/core/schedule/schedule-spec.js';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const NY = 'America/New_York';
const calendars = {
  de: normalizeCalendar('de', { weekend: ['saturday', 'sunday'], holidays: ['2030-12-25', '2030-12-26'] }),
};

interface Asked {
  zone?: string;
  from?: string | number;
  count?: number;
  jitterMs?: number;
  startAt?: number;
  endAt?: number;
}

function preview(
  spec: ScheduleSpec,
  { zone = 'UTC', from = '2030-01-01', count = 3, jitterMs, ...bounds }: Asked = {},
) {
  const at = typeof from === 'number' ? from : Date.parse(from);
  const stored = normalizeSchedule(spec, { now: at, timeZone: zone, calendars, seed: 'billing' });
  const plain = bounded(compileSchedule(stored), bounds);
  const schedule = jitterMs === undefined ? plain : jittered(plain, jitterMs, 'billing');
  return { schedule, shown: previewOf(schedule, { stored, timeZone: zone, from: at, count, ...bounds }) };
}

const lines = ({ ticks }: SchedulePreview): string[] =>
  ticks.map(({ local, note }) => (note === undefined ? local : `${local} ${note}`));
const removed = (shown: SchedulePreview): string[] => shown.removed.map(({ local, reason }) => `${local} ${reason}`);

const SHIFTED = 'shifted: the clock skips 02:30 on this day';
const FIRST = 'first of two: the clock shows this time twice';
const SECOND = 'second of two: the clock shows this time twice';

describe('preview: ticks', () => {
  it.each([
    [
      'a day that skips the time',
      { daily: '02:30' },
      { zone: NY, from: '2030-03-09T12:00Z' },
      [`2030-03-10T03:30:00-04:00 ${SHIFTED}`, '2030-03-11T02:30:00-04:00', '2030-03-12T02:30:00-04:00'],
    ],
    [
      'and leaves it out',
      { daily: '02:30', dst: { gap: 'skip' } },
      { zone: NY, from: '2030-03-08T12:00Z' },
      ['2030-03-09T02:30:00-05:00', '2030-03-11T02:30:00-04:00', '2030-03-12T02:30:00-04:00'],
    ],
    [
      'a day that has the time twice',
      { cron: '30 1 * * *', dst: { overlap: 'both' } },
      { zone: NY, from: '2030-11-03T04:00Z' },
      [`2030-11-03T01:30:00-04:00 ${FIRST}`, `2030-11-03T01:30:00-05:00 ${SECOND}`, '2030-11-04T01:30:00-05:00'],
    ],
    [
      'and uses the first',
      { cron: '30 1 * * *' },
      { zone: NY, from: '2030-11-03T04:00Z', count: 2 },
      [`2030-11-03T01:30:00-04:00 ${FIRST}`, '2030-11-04T01:30:00-05:00'],
    ],
    [
      'and uses the second',
      { cron: '30 1 * * *', dst: { overlap: 'second' } },
      { zone: NY, from: '2030-11-03T04:00Z', count: 2 },
      [`2030-11-03T01:30:00-05:00 ${SECOND}`, '2030-11-04T01:30:00-05:00'],
    ],
    [
      'an interval over such an hour',
      { every: '30m' },
      { zone: NY, from: '2030-11-03T05:00Z', count: 4 },
      [
        `2030-11-03T01:30:00-04:00 ${FIRST}`,
        `2030-11-03T01:00:00-05:00 ${SECOND}`,
        `2030-11-03T01:30:00-05:00 ${SECOND}`,
        '2030-11-03T02:00:00-05:00',
      ],
    ],
    [
      'one instant in it',
      { at: '2030-11-03T06:15:00Z' },
      { zone: NY, from: '2030-11-01' },
      [`2030-11-03T01:15:00-05:00 ${SECOND}`],
    ],
    [
      'a schedule of another zone',
      { daily: '05:30', timeZone: 'UTC' },
      { zone: NY, from: '2030-11-03T00:00Z', count: 2 },
      [`2030-11-03T01:30:00-04:00 ${FIRST}`, '2030-11-04T00:30:00-05:00'],
    ],
    [
      'a zone that is west by half an hour, and parts of a second',
      { every: '1250ms' },
      { zone: 'America/St_Johns', from: '2030-01-01T00:00:00Z', count: 2 },
      ['2029-12-31T20:30:01.250-03:30', '2029-12-31T20:30:02.500-03:30'],
    ],
    [
      'a working day for a holiday',
      { cron: '0 9 25 12 *', except: { calendar: 'de', shift: 'next' } },
      { from: '2030-01-01', count: 1 },
      ['2030-12-27T09:00:00+00:00 moved from Wed 2030-12-25, closed in calendar de'],
    ],
  ] as [string, ScheduleSpec, Asked, string[]][])('%s', (_what, spec, asked, expected) => {
    const { shown } = preview(spec, asked);
    expect(lines(shown)).toEqual(expected);
    expect(shown.timeZone).toBe(asked.zone ?? 'UTC');
    for (const { at, local, startsAt } of shown.ticks) {
      expect(Date.parse(local)).toBe(at.getTime());
      expect(startsAt).toBeUndefined();
    }
  });

  it('says with jitter when each starts', () => {
    const { schedule, shown } = preview({ every: '1m' }, { jitterMs: 30_000, count: 5 });
    const delays = shown.ticks.map(({ at, startsAt }) => startsAt!.getTime() - at.getTime());
    expect(delays).toEqual(shown.ticks.map(({ at }) => schedule.delayOf!(at.getTime())));
    expect(new Set(delays).size).toBeGreaterThan(1);
  });

  it('has what the schedule says of itself, and what is odd about it', () => {
    const { schedule, shown } = preview({ cron: '* * * * * *' }, { count: 0 });
    expect(shown).toEqual({
      description: schedule.describe(),
      timeZone: 'UTC',
      ticks: [],
      removed: [],
      warnings: [expect.stringContaining('86,400')],
    });
  });

  it('ends with the schedule', () => {
    expect(preview({ at: '2030-01-02' }, { count: 10 }).shown.ticks).toHaveLength(1);
    expect(preview({ at: '2029-01-02' }, { count: 10 }).shown.ticks).toEqual([]);
    expect(preview({ daily: '00:00' }, { count: 10, endAt: Date.UTC(2030, 0, 4) }).shown.ticks).toHaveLength(3);
  });
});

describe('preview: what except removes', () => {
  it.each([
    [
      'each with its rule, up to the last tick',
      { daily: '09:00', except: [{ calendar: 'de' }, '2030-12-30', { from: '2030-12-27', to: '2030-12-28' }] },
      { from: '2030-12-23T12:00Z', count: 2 },
      ['2030-12-24T09:00:00+00:00', '2030-12-31T09:00:00+00:00'],
      // At most as many as were asked for.
      ['2030-12-25T09:00:00+00:00 calendar de', '2030-12-26T09:00:00+00:00 calendar de'],
    ],
    [
      'in the order of time',
      { daily: '09:00', except: ['2030-01-04', '2030-01-02', { cron: '* 9 3 1 *' }] },
      { from: '2030-01-01', count: 4 },
      [
        '2030-01-01T09:00:00+00:00',
        '2030-01-05T09:00:00+00:00',
        '2030-01-06T09:00:00+00:00',
        '2030-01-07T09:00:00+00:00',
      ],
      [
        '2030-01-02T09:00:00+00:00 2030-01-02',
        '2030-01-03T09:00:00+00:00 cron * 9 3 1 *',
        '2030-01-04T09:00:00+00:00 2030-01-04',
      ],
    ],
    [
      'nothing after the last tick',
      { daily: '09:00', except: '2030-01-03' },
      { from: '2030-01-01', count: 2 },
      ['2030-01-01T09:00:00+00:00', '2030-01-02T09:00:00+00:00'],
      [],
    ],
    [
      'nothing outside of the bounds',
      { daily: '09:00', except: { calendar: 'de' } },
      { from: '2030-01-01', startAt: Date.UTC(2030, 0, 6), endAt: Date.UTC(2030, 0, 8, 12), count: 9 },
      ['2030-01-07T09:00:00+00:00', '2030-01-08T09:00:00+00:00'],
      ['2030-01-06T09:00:00+00:00 calendar de'],
    ],
    [
      'to the end of the bounds, where the last tick comes before',
      { daily: '09:00', except: { calendar: 'de' } },
      { from: '2030-01-04', endAt: Date.UTC(2030, 0, 6, 12), count: 9 },
      ['2030-01-04T09:00:00+00:00'],
      ['2030-01-05T09:00:00+00:00 calendar de', '2030-01-06T09:00:00+00:00 calendar de'],
    ],
    [
      'everything',
      { daily: '09:00', except: { cron: '* * * * *' } },
      { from: '2030-01-01', count: 2 },
      [],
      ['2030-01-01T09:00:00+00:00 cron * * * * *', '2030-01-02T09:00:00+00:00 cron * * * * *'],
    ],
    [
      'what is moved to another day',
      { cron: '0 9 24-25 12 *', except: [{ calendar: 'de', shift: 'next' }, '2030-12-24'] },
      { from: '2030-12-01', count: 1 },
      ['2030-12-27T09:00:00+00:00 moved from Wed 2030-12-25, closed in calendar de'],
      ['2030-12-24T09:00:00+00:00 2030-12-24'],
    ],
    [
      'from a part of a union its own ticks only',
      {
        anyOf: [{ daily: '09:00', except: '2030-01-02' }, { daily: '10:00' }, { daily: '11:00', except: '2030-01-01' }],
        except: { cron: '* * 3 1 *' },
      },
      { from: '2030-01-01', count: 5 },
      [
        '2030-01-01T09:00:00+00:00',
        '2030-01-01T10:00:00+00:00',
        '2030-01-02T10:00:00+00:00',
        '2030-01-02T11:00:00+00:00',
        '2030-01-04T09:00:00+00:00',
      ],
      [
        '2030-01-01T11:00:00+00:00 2030-01-01',
        '2030-01-02T09:00:00+00:00 2030-01-02',
        '2030-01-03T09:00:00+00:00 cron * * 3 1 *',
        '2030-01-03T10:00:00+00:00 cron * * 3 1 *',
        '2030-01-03T11:00:00+00:00 cron * * 3 1 *',
      ],
    ],
    [
      'by the rule of the part that has the tick',
      {
        anyOf: [
          { daily: '09:00', except: '2030-01-02' },
          { daily: '11:00', except: { cron: '* 11 2 1 *' } },
        ],
      },
      { from: '2030-01-01T12:00Z', count: 1 },
      ['2030-01-03T09:00:00+00:00'],
      ['2030-01-02T09:00:00+00:00 2030-01-02'],
    ],
    [
      'by the rule of the other part',
      {
        anyOf: [
          { daily: '09:00', except: '2030-01-02' },
          { daily: '11:00', except: { cron: '* 11 2 1 *' } },
        ],
      },
      { from: '2030-01-02T10:00Z', count: 1 },
      ['2030-01-03T09:00:00+00:00'],
      ['2030-01-02T11:00:00+00:00 cron * 11 2 1 *'],
    ],
    [
      'by what moves before what drops',
      { cron: '0 9 25 12 *', except: ['12-25', { calendar: 'de', shift: 'next' }] },
      { from: '2030-12-01', count: 1 },
      ['2030-12-27T09:00:00+00:00 moved from Wed 2030-12-25, closed in calendar de'],
      ['2030-12-25T09:00:00+00:00 calendar de (moved to the next working day)'],
    ],
    [
      'nothing that another part of the union has',
      { anyOf: [{ daily: '09:00', except: '2030-01-02' }, { cron: '0 9 2 1 *' }] },
      { from: '2030-01-01', count: 3 },
      ['2030-01-01T09:00:00+00:00', '2030-01-02T09:00:00+00:00', '2030-01-03T09:00:00+00:00'],
      [],
    ],
  ] as [string, ScheduleSpec, Asked, string[], string[]][])('%s', (_what, spec, asked, ticks, gone) => {
    const { shown } = preview(spec, asked);
    expect(lines(shown)).toEqual(ticks);
    expect(removed(shown)).toEqual(gone);
  });
});

/** What the clocks of a zone show at each minute: how often, and at which of these instants. */
function clockOf(zone: string, from: number, to: number): Map<string, number[]> {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const shown = new Map<string, number[]>();
  for (let at = from; at < to; at += MINUTE) {
    const wall = format.format(at).replace(' ', 'T');
    shown.set(wall, [...(shown.get(wall) ?? []), at]);
  }
  return shown;
}

/** Days on which clocks change by an hour, half an hour, two hours, at midnight, for Ramadan; and one without a change. */
const CHANGES: [zone: string, around: string][] = [
  [NY, '2030-03-10'],
  [NY, '2030-11-03'],
  ['Europe/London', '2030-10-27'],
  ['Australia/Lord_Howe', '2030-10-05'],
  ['Australia/Lord_Howe', '2030-04-06'],
  ['Antarctica/Troll', '2030-03-31'],
  ['Antarctica/Troll', '2030-10-27'],
  ['Africa/Cairo', '2030-10-31'],
  ['America/Havana', '2030-11-03'],
  ['Africa/Casablanca', '2023-03-19'],
  ['Asia/Tokyo', '2030-03-10'],
];

const dst = fc.record({
  gap: fc.constantFrom('shift' as const, 'skip' as const),
  overlap: fc.constantFrom('first' as const, 'second' as const, 'both' as const),
});

/** A few times in the hours in which clocks change. */
const nightly = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 3 }),
    fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  )
  .map(([minutes, hours]) => ({
    expression: `${minutes.join(',')} ${hours.join(',')} * * *`,
    names: (at: Date) => minutes.includes(at.getUTCMinutes()) && hours.includes(at.getUTCHours()),
  }));

describe('preview: marks', () => {
  it.each(CHANGES)('in %s around %s every time that clocks show twice, or moved, and no other', (zone, around) => {
    const from = Date.parse(around) - DAY;
    const end = from + 3 * DAY;
    const clock = clockOf(zone, from - DAY, end + DAY);
    let [twice, shifted] = [0, 0];
    /** The ticks that are not marked as the clock of the zone says. */
    const wrong = ({ ticks }: SchedulePreview, names?: (at: Date) => boolean): string[] =>
      ticks.flatMap(({ at, local, note = '' }) => {
        if (at.getTime() >= end) return [];
        const wall = local.slice(0, 19);
        const instants = clock.get(wall) ?? [];
        const place = instants.length < 2 ? undefined : instants[0] === at.getTime() ? FIRST : SECOND;
        const isMoved = names !== undefined && !names(new Date(`${wall}Z`));
        if (place !== undefined) twice++;
        if (isMoved) shifted++;
        const isRight =
          instants.includes(at.getTime()) &&
          Date.parse(local) === at.getTime() &&
          (place === undefined ? !note.includes('of two') : note.includes(place)) &&
          // A time that a shifted one falls upon may be marked as well: both are that tick.
          (isMoved
            ? /^shifted: the clock skips \d\d:\d\d on this day/.test(note)
            : names || !note.includes('shifted')) &&
          (place !== undefined || isMoved || names !== undefined || note === '');
        return isRight ? [] : [`${local} ${note}, expected ${place} ${isMoved ? 'shifted' : ''}`];
      });
    fc.assert(
      fc.property(nightly, dst, (cron, policy) => {
        const spec = { cron: cron.expression, timeZone: zone, dst: policy };
        expect(wrong(preview(spec, { zone, from, count: 40 }).shown, cron.names)).toEqual([]);
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 180 }), fc.integer({ min: 0, max: 180 }), (every, phase) => {
        const asked = { zone, from: from + phase * MINUTE, count: 100 };
        expect(wrong(preview({ every: `${every}m` }, asked).shown)).toEqual([]);
      }),
      { numRuns: 50 },
    );
    const goesBack = [...clock.values()].some((instants) => instants.length > 1);
    const jumps = !goesBack && zone !== 'Asia/Tokyo';
    expect({ twice: twice > 0, shifted: shifted > 0 }).toEqual({ twice: goesBack, shifted: jumps });
  });
});
