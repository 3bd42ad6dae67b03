import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyOf } from '../../../lib/core/schedule/any-of.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { withExclusions } from '../../../lib/core/schedule/calendar/exclusion.js';
import { dateOf, dayOf } from '../../../lib/core/schedule/calendar/local-dates.js';
import { type CalendarOptions, normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { type Shift, shiftToWorkingDays } from '../../../lib/core/schedule/calendar/working-day-shift.js';
import { calendarNear } from './calendar-arbitrary.js';
import { fastestOf } from './fastest-of.js';
import { CHANGES, DAY, ZoneWalk } from './zone-oracle.js';

const RUNS_PER_CHANGE = 55;
/** No case closes more days in a row. */
const REACH = 40 * DAY;

/** Local times of some days: at most a handful a day. */
const schedule = fc
  .array(
    fc.record({
      second: fc.option(fc.constantFrom(0, 1, 59), { nil: undefined }),
      minute: fc.integer({ min: 0, max: 59 }),
      hours: fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 23 })), {
        minLength: 1,
        maxLength: 3,
      }),
      days: fc.constantFrom('* * *', '* * 0', '* * 6', '* * 1-5', '1 * *', 'L * *', '*/5 * *', '* * 5L'),
      overlap: fc.constantFrom('first' as const, 'second' as const, 'both' as const),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map((parts) => (zone: string): Schedule => {
    const crons = parts.map(({ second, minute, hours, days, overlap }) => {
      const expression = `${second === undefined ? '' : `${second} `}${minute} ${hours.join(',')} ${days}`;
      return cronSchedule(expression, zone, { gap: 'skip', overlap });
    });
    return anyOf(crons, () => '');
  });

function ticksOf(ticks: Schedule, from: number, to: number): number[] {
  const all: number[] = [];
  for (let tick = ticks.next(from - 1); tick !== undefined && tick < to; tick = ticks.next(tick)) all.push(tick);
  return all;
}

/** Where a tick goes, one date at a time. */
function moved(tick: number, walk: ZoneWalk, isOpen: (date: string) => boolean, shift: Shift): number {
  const date = walk.dateOf(tick);
  let target = date;
  while (!isOpen(target) || !walk.hasDate(target)) target = dateOf(dayOf(target) + (shift === 'next' ? 1 : -1));
  return target === date ? tick : walk.instantOf(walk.wallOf(tick) + (dayOf(target) - dayOf(date)) * DAY);
}

describe('shift to working days: properties', () => {
  it.each(CHANGES)('in %s around %s each tick goes where a walk over the dates says', (zone, around) => {
    const from = Date.parse(around) - 6 * DAY;
    const to = from + 12 * DAY;
    const walk = new ZoneWalk(zone, from - 3 * REACH, to + 3 * REACH);
    fc.assert(
      fc.property(
        schedule,
        calendarNear(around),
        fc.constantFrom<Shift>('next', 'previous'),
        fc.array(fc.integer({ min: from, max: to }), { maxLength: 8 }),
        (base, { options, isOpen }, shift, starts) => {
          const plain = base(zone);
          const ticks = ticksOf(plain, from - REACH, to + REACH);
          const instants = ticks.map((tick) => moved(tick, walk, isOpen, shift));
          const expected = [...new Set(instants)].filter((at) => at >= from && at < to).sort((a, b) => a - b);
          const stored = normalizeCalendar('x', options);
          const shifted = shiftToWorkingDays(plain, stored, shift, zone);
          expect(ticksOf(shifted, from, to)).toEqual(expected);
          for (const start of starts) {
            // From a start of its own, and by one that has answered before.
            const next = shiftToWorkingDays(plain, stored, shift, zone).next(start);
            expect(next !== undefined && next < to ? next : undefined).toBe(expected.find((tick) => tick > start));
            expect(shifted.next(start)).toBe(next);
          }
          const gaps = expected.slice(1).map((tick, i) => tick - expected[i]!);
          expect(Math.min(Infinity, ...gaps)).toBeGreaterThanOrEqual(shifted.minGapMs);
          const { phase } = shifted;
          if (phase) expect(expected.filter((tick) => (tick - phase.offsetMs) % phase.everyMs !== 0)).toEqual([]);
          for (const tick of expected) {
            const isOwn = ticks.some((source, i) => instants[i] === tick && source === tick);
            const others = ticks.filter((source, i) => instants[i] === tick && source !== tick);
            const note = shifted.noteOn!(tick) ?? '';
            expect(note.includes(isOwn ? 'also for' : 'moved from')).toBe(others.length > 0);
            if (others.length > 0) expect(note).toContain(`${walk.dateOf(others[0]!)}, closed in calendar x`);
            expect(/, and (\d+) more/.exec(note)?.[1]).toBe(others.length > 1 ? String(others.length - 1) : undefined);
          }
        },
      ),
      { numRuns: RUNS_PER_CHANGE },
    );
  });

  it.each(CHANGES)('in %s around %s a time that clocks skip is moved as it was written', (zone, around) => {
    const from = Date.parse(around) - 6 * DAY;
    const to = from + 12 * DAY;
    const walk = new ZoneWalk(zone, from - 3 * REACH, to + 3 * REACH);
    const times = fc.uniqueArray(fc.integer({ min: 0, max: 287 }), { minLength: 1, maxLength: 4 });
    const cases = fc.tuple(times, calendarNear(around), fc.constantFrom<Shift>('next', 'previous'));
    fc.assert(
      fc.property(cases, ([fives, { options, isOpen }, shift]) => {
        const crons = fives.map((five) => cronSchedule(`${(five % 12) * 5} ${Math.floor(five / 12)} * * *`, zone));
        const instants: number[] = [];
        for (let day = Math.floor((from - REACH) / DAY); day <= (to + REACH) / DAY; day++) {
          for (const five of fives) {
            const wall = day * DAY + five * 300_000;
            const tick = walk.instantOf(wall);
            const date = walk.dateOf(tick);
            let target = date;
            while (!isOpen(target) || !walk.hasDate(target)) {
              target = dateOf(dayOf(target) + (shift === 'next' ? 1 : -1));
            }
            instants.push(target === date ? tick : walk.instantOf(dayOf(target) * DAY + five * 300_000));
          }
        }
        const expected = [...new Set(instants)].filter((at) => at >= from && at < to).sort((a, b) => a - b);
        const shifted = shiftToWorkingDays(
          anyOf(crons, () => ''),
          normalizeCalendar('x', options),
          shift,
          zone,
        );
        expect(ticksOf(shifted, from, to)).toEqual(expected);
      }),
      { numRuns: RUNS_PER_CHANGE },
    );
  });

  it('two calendars move one after the other', () => {
    const [zone, around] = CHANGES[0]!;
    const from = Date.parse(around) - 6 * DAY;
    const to = from + 12 * DAY;
    const walk = new ZoneWalk(zone, from - 3 * REACH, to + 3 * REACH);
    fc.assert(
      fc.property(
        calendarNear(around),
        calendarNear(around),
        fc.constantFrom<Shift>('next', 'previous'),
        fc.constantFrom<Shift>('next', 'previous'),
        (first, second, by, then) => {
          const base = cronSchedule('30 9,17 * * *', zone);
          const all = ticksOf(base, from - 2 * REACH, to + 2 * REACH);
          const instants = all
            .map((tick) => moved(tick, walk, first.isOpen, by))
            .map((tick) => moved(tick, walk, second.isOpen, then));
          const expected = [...new Set(instants)].filter((at) => at >= from && at < to).sort((a, b) => a - b);
          const except = [
            { ...normalizeCalendar('a', first.options), shift: by },
            { ...normalizeCalendar('b', second.options), shift: then },
          ];
          expect(ticksOf(withExclusions(base, except, zone), from, to)).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('shift to working days: time', () => {
  const zone = 'America/New_York';
  const at = (text: string): number => Date.parse(text);
  const shifted = (cron: string, options: CalendarOptions, shift: Shift): Schedule =>
    shiftToWorkingDays(cronSchedule(cron, zone), normalizeCalendar('x', options), shift, zone);
  const everyDay: CalendarOptions['weekend'] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

  it.each<[string, number, () => Schedule]>([
    ['the rarest of dates', 50, () => shifted('0 9 29 2 1', { weekend: ['sat', 'sun'] }, 'next')],
    [
      'a fortnight of a hundred ticks a day',
      50,
      () => shifted('*/15 * * * *', { weekend: [], holidays: [{ from: '2029-12-20', to: '2030-01-03' }] }, 'next'),
    ],
    [
      'years without an open day',
      500,
      () => shifted('0 9 * * *', { weekend: everyDay, workdays: ['2031-06-01', '2099-01-01'] }, 'next'),
    ],
    [
      'one open day a year, a hundred ticks a day',
      5_000,
      () => shifted('*/15 * * * *', { weekend: everyDay, workdays: ['06-01'] }, 'next'),
    ],
    [
      'the same backwards',
      5_000,
      () => shifted('*/15 * * * *', { weekend: everyDay, workdays: ['06-01'] }, 'previous'),
    ],
  ])('finds the next tick in a bounded time: %s', (_, limitMs, build) => {
    for (const start of ['2030-01-01', '2031-06-02', '2098-12-31']) {
      expect(fastestOf(3, () => build().next(at(start)))).toBeLessThan(limitMs);
    }
  });

  it('never hangs on a schedule that nobody may shift', () => {
    const seconds = shifted('* * * * * *', { weekend: everyDay, workdays: ['06-01'] }, 'next');
    expect(seconds.next(at('2030-01-01'))).toBeDefined();
  });

  it('takes at most 5 ms for 99 of 100 ticks', () => {
    const busy = shifted(
      '*/15 * * * *',
      { weekend: ['sat', 'sun'], holidays: ['12-25', { from: '12-28', to: '01-02' }] },
      'previous',
    );
    const times: number[] = [];
    for (let i = 0, tick = at('2030-01-01'); i < 5_000; i++) {
      const start = performance.now();
      tick = busy.next(tick)!;
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    expect(times[4_950]).toBeLessThan(5);
  });
});
