import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { expressionsOf, type LocalTimes, weekdayNumber } from '../../../lib/core/schedule/local-times.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import {
  compileSchedule,
  normalizeSchedule,
  sameSchedule,
  type ScheduleSpec,
} from '../../../lib/core/schedule/schedule-spec.js';

const NOW = Date.UTC(2030, 0, 1);

function compile(spec: ScheduleSpec, timeZone = 'UTC'): Schedule {
  return compileSchedule(normalizeSchedule(spec, { now: NOW, timeZone }));
}

function enumerate(schedule: Schedule, after: number, most: number): number[] {
  const ticks: number[] = [];
  for (let tick = schedule.next(after); tick !== undefined && ticks.length < most; tick = schedule.next(tick))
    ticks.push(tick);
  return ticks;
}

const iso = (ticks: number[]): string[] =>
  ticks.map((tick) => new Date(tick).toISOString().replace(/(:00)?\.000Z$/, ''));

describe('local times', () => {
  it.each<[LocalTimes, string[]]>([
    [{ daily: '02:00' }, ['0 2 * * *']],
    [{ daily: '23:59:59' }, ['59 59 23 * * *']],
    [{ daily: ['02:00', '14:30', '00:00:05'] }, ['0 2 * * *', '30 14 * * *', '5 0 0 * * *']],
    [{ weekly: { on: 'monday', at: '09:00' } }, ['0 9 * * 1']],
    [{ weekly: { on: ['fri', 'mon', 'sunday', 'monday'], at: '09:00' } }, ['0 9 * * 0,1,5']],
    [{ weekly: { on: ['sat'], at: ['09:00', '18:15'] } }, ['0 9 * * 6', '15 18 * * 6']],
    [{ monthly: { day: 1, at: '09:00' } }, ['0 9 1 * *']],
    [{ monthly: { day: 'last', at: '09:00' } }, ['0 9 L * *']],
    [{ monthly: { day: [1, 15, 'last'], at: '09:00' } }, ['0 9 1,15,L * *']],
    [{ monthly: { day: 'second tuesday', at: '09:00' } }, ['0 9 * * 2#2']],
    [{ monthly: { day: 'last fri', at: '09:00' } }, ['0 9 * * 5L']],
    [
      { monthly: { day: [1, 'first mon', 'fifth sun'], at: ['09:00', '10:00'] } },
      ['0 9 1 * *', '0 9 * * 1#1', '0 9 * * 0#5', '0 10 1 * *', '0 10 * * 1#1', '0 10 * * 0#5'],
    ],
    [{ cron: '* * * * *' }, ['* * * * *']],
  ])('%j are the expressions %j', (times, expressions) => {
    expect(expressionsOf(times)).toEqual(expressions);
  });

  const zones = fc.constantFrom('UTC', 'Europe/London', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo');
  const hours = fc.integer({ min: 0, max: 23 });
  const times = fc
    .tuple(hours, fc.integer({ min: 0, max: 59 }), fc.option(fc.integer({ min: 0, max: 59 })))
    .map((all) =>
      all
        .filter((one) => one !== null)
        .map((one) => String(one).padStart(2, '0'))
        .join(':'),
    );
  const lists = fc.array(times, { minLength: 1, maxLength: 3 });
  const day = fc.oneof(
    fc.integer({ min: 1, max: 31 }),
    fc.constantFrom(
      'last' as const,
      'first monday' as const,
      'third wed' as const,
      'fifth friday' as const,
      'last sun' as const,
    ),
  );
  const specs = fc.oneof(
    lists.map((daily) => ({ daily })),
    fc
      .tuple(fc.subarray(['mon', 'tue', 'sat', 'sun'] as const, { minLength: 1 }), lists)
      .map(([on, at]) => ({ weekly: { on, at } })),
    fc
      .tuple(fc.uniqueArray(day, { minLength: 1, maxLength: 3 }), lists)
      .map(([d, at]) => ({ monthly: { day: d, at } })),
  );
  const dst = fc.record({
    gap: fc.constantFrom('shift' as const, 'skip' as const),
    overlap: fc.constantFrom('first' as const, 'second' as const, 'both' as const),
  });

  it('have the ticks of those expressions, on days on which clocks change too', () => {
    fc.assert(
      fc.property(specs, zones, dst, fc.constantFrom(2, 9, 3, 10), (spec, zone, policy, month) => {
        const after = Date.UTC(2030, month, 1);
        const schedule = compile({ ...spec, dst: policy }, zone);
        const ticks = enumerate(schedule, after, 50);
        const last = ticks.at(-1)!;
        const crons = expressionsOf(spec).map((expression) => cronSchedule(expression, zone, policy));
        const expected = new Set(crons.flatMap((cron) => enumerate(cron, after, 50).filter((tick) => tick <= last)));
        expect(ticks).toEqual([...expected].sort((a, b) => a - b));
        ticks.slice(1).forEach((tick, i) => expect(tick - ticks[i]!).toBeGreaterThanOrEqual(schedule.minGapMs));
        const { phase } = schedule;
        if (phase) for (const tick of ticks) expect(tick % phase.everyMs).toBe(phase.offsetMs);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[what: string, spec: ScheduleSpec, zone: string, from: string, expected: string[]]>([
    [
      'a gap is shifted',
      { daily: '02:30' },
      'America/New_York',
      '2030-03-09',
      ['2030-03-09T07:30', '2030-03-10T07:30', '2030-03-11T06:30'],
    ],
    [
      'a gap is skipped',
      { daily: '02:30', dst: { gap: 'skip' } },
      'America/New_York',
      '2030-03-09',
      ['2030-03-09T07:30', '2030-03-11T06:30'],
    ],
    [
      'the first of two',
      { daily: '01:30' },
      'Europe/London',
      '2030-10-26',
      ['2030-10-26T00:30', '2030-10-27T00:30', '2030-10-28T01:30'],
    ],
    [
      'the second of two',
      { daily: '01:30', dst: { overlap: 'second' } },
      'Europe/London',
      '2030-10-26',
      ['2030-10-26T00:30', '2030-10-27T01:30', '2030-10-28T01:30'],
    ],
    [
      'both',
      { daily: '01:30', dst: { overlap: 'both' } },
      'Europe/London',
      '2030-10-26',
      ['2030-10-26T00:30', '2030-10-27T00:30', '2030-10-27T01:30', '2030-10-28T01:30'],
    ],
    [
      '29 February',
      { monthly: { day: 29, at: '12:00' } },
      'UTC',
      '2031-01-30',
      ['2031-03-29T12:00', '2031-04-29T12:00'],
    ],
    [
      '29 February of a leap year',
      { monthly: { day: 29, at: '12:00' } },
      'UTC',
      '2032-01-30',
      ['2032-02-29T12:00', '2032-03-29T12:00'],
    ],
    [
      'the last day of February',
      { monthly: { day: 'last', at: '12:00' } },
      'UTC',
      '2032-01-01',
      ['2032-01-31T12:00', '2032-02-29T12:00', '2032-03-31T12:00', '2032-04-30T12:00'],
    ],
    [
      '2100 is no leap year',
      { monthly: { day: 'last', at: '12:00' } },
      'UTC',
      '2100-02-01',
      ['2100-02-28T12:00', '2100-03-31T12:00'],
    ],
    [
      'months of 31 days',
      { monthly: { day: 31, at: '12:00' } },
      'UTC',
      '2030-01-01',
      ['2030-01-31T12:00', '2030-03-31T12:00', '2030-05-31T12:00'],
    ],
    [
      '31 and last are one tick',
      { monthly: { day: [31, 'last'], at: '12:00' } },
      'UTC',
      '2030-01-01',
      ['2030-01-31T12:00', '2030-02-28T12:00', '2030-03-31T12:00'],
    ],
    [
      'fifth weekdays',
      { monthly: { day: 'fifth sunday', at: '12:00' } },
      'UTC',
      '2030-01-01',
      ['2030-03-31T12:00', '2030-06-30T12:00', '2030-09-29T12:00'],
    ],
    [
      'the second Tuesday',
      { monthly: { day: 'second tuesday', at: '00:00:30' } },
      'UTC',
      '2030-01-01',
      ['2030-01-08T00:00:30', '2030-02-12T00:00:30', '2030-03-12T00:00:30'],
    ],
    [
      'the last Friday',
      { monthly: { day: 'last friday', at: '12:00' } },
      'UTC',
      '2030-01-01',
      ['2030-01-25T12:00', '2030-02-22T12:00', '2030-03-29T12:00'],
    ],
    [
      'a Friday or the 13th',
      { monthly: { day: [13, 'first fri'], at: '12:00' } },
      'UTC',
      '2030-09-01',
      ['2030-09-06T12:00', '2030-09-13T12:00', '2030-10-04T12:00'],
    ],
    [
      'across the date line',
      { weekly: { on: 'mon', at: '00:30' } },
      'Pacific/Kiritimati',
      '2030-01-01',
      ['2030-01-06T10:30', '2030-01-13T10:30'],
    ],
    [
      'two times, out of order',
      { weekly: { on: ['sun', 'sat'], at: ['18:00', '06:00'] } },
      'UTC',
      '2030-01-01',
      ['2030-01-05T06:00', '2030-01-05T18:00', '2030-01-06T06:00', '2030-01-06T18:00'],
    ],
    [
      'midnight on the day without one',
      { daily: '00:00' },
      'Africa/Cairo',
      '2030-04-25',
      ['2030-04-25T22:00', '2030-04-26T21:00'],
    ],
  ])('%s', (_what, spec, zone, from, expected) => {
    const ticks = enumerate(compile(spec, zone), Date.parse(`${from}T00:00:00Z`), expected.length);
    expect(iso(ticks)).toEqual(expected);
  });

  it.each<[ScheduleSpec, ScheduleSpec]>([
    [{ daily: '02:00' }, { daily: ['02:00'] }],
    [{ daily: ['14:00', '02:00', '14:00'] }, { daily: ['02:00', '14:00'] }],
    [{ daily: '02:00' }, { daily: '02:00:00' }],
    [{ weekly: { on: ['fri', 'mon'], at: '09:00' } }, { weekly: { on: ['monday', 'friday', 'mon'], at: ['09:00'] } }],
    [{ monthly: { day: 'last fri', at: '09:00' } }, { monthly: { day: ['last friday'], at: '09:00' } }],
    [{ monthly: { day: [15, 1, 'last'], at: '09:00' } }, { monthly: { day: ['last', 1, 15], at: '09:00' } }],
  ])('%j is the same schedule as %j', (a, b) => {
    const stored = (spec: ScheduleSpec) => normalizeSchedule(spec, { now: NOW, timeZone: 'UTC' });
    expect(sameSchedule(stored(a), stored(b))).toBe(true);
  });

  it.each<[ScheduleSpec, string]>([
    [{ daily: '02:00' }, 'daily at 02:00 in UTC'],
    [{ daily: ['14:00', '02:00', '18:00'] }, 'daily at 02:00, 14:00 and 18:00 in UTC'],
    [{ weekly: { on: ['fri', 'mon'], at: '09:00' } }, 'weekly on monday and friday at 09:00 in UTC'],
    [
      { monthly: { day: [1, 'last', 'second tue'], at: '09:00' } },
      'monthly on day 1, the last day and the second tuesday at 09:00 in UTC',
    ],
  ])('%j is told as "%s"', (spec, text) => {
    expect(compile(spec).describe()).toBe(text);
  });

  it.each<ScheduleSpec>([
    { monthly: { day: [1, 1], at: ['09:00', '09:00'] } },
    { monthly: { day: ['last', 'last friday', 'last fri'], at: '09:00' } },
    { weekly: { on: ['mon', 'monday'], at: ['09:00', '09:00:00'] } },
    { daily: ['09:00', '09:00'] },
  ])('%j, with one thing twice, is a schedule, and an exclusion', (spec) => {
    expect(compile(spec).next(NOW)).toBeGreaterThan(NOW);
    const except = spec as LocalTimes;
    expect(compile({ every: '1m', except }).next(NOW)).toBeGreaterThan(NOW);
  });

  it('a day of the week is known in full or by three letters', () => {
    expect(['sunday', 'Mon', 'TUESDAY', 'wed', 'thu', 'friday', 'sat'].map(weekdayNumber)).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
    for (const no of ['tues', 'm', '', 'montag', 1, undefined, null, {}, ['mon']])
      expect(weekdayNumber(no)).toBeUndefined();
  });
});
