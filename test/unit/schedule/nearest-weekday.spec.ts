import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { parseFields } from '../../../lib/core/schedule/cron/cron-fields.js';
import { nextWall } from '../../../lib/core/schedule/cron/wall-clock.js';
import { fastestOf } from './fastest-of.js';

const DAY = 86_400_000;

const take = (expression: string, after: string, count: number): string[] => {
  const schedule = cronSchedule(expression, 'UTC');
  const days: string[] = [];
  for (let tick = schedule.next(Date.parse(after))!; days.length < count; tick = schedule.next(tick)!) {
    days.push(new Date(tick).toISOString().slice(0, 10));
  }
  return days;
};

/** A list of days of the month, and which days of a month it names: found by looking at each of them. */
interface DayList {
  text: string;
  daysIn(year: number, month: number): number[];
}

const workdays = (year: number, month: number): number[] =>
  Array.from({ length: new Date(Date.UTC(year, month + 1, 0)).getUTCDate() }, (_, i) => i + 1).filter((day) => {
    const weekday = new Date(Date.UTC(year, month, day)).getUTCDay();
    return weekday >= 1 && weekday <= 5;
  });
const lengthOf = (year: number, month: number): number => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();

const nearestTo = (wanted: number): DayList => ({
  text: `${wanted}W`,
  daysIn(year, month) {
    if (wanted > lengthOf(year, month)) return [];
    const distance = (day: number): number => Math.abs(day - wanted);
    return [workdays(year, month).reduce((best, day) => (distance(day) < distance(best) ? day : best))];
  },
});
const lastWorkday: DayList = { text: 'LW', daysIn: (year, month) => [workdays(year, month).at(-1)!] };
const lastDay: DayList = { text: 'L', daysIn: (year, month) => [lengthOf(year, month)] };
const plainDay = (day: number): DayList => ({
  text: String(day),
  daysIn: (year, month) => (day <= lengthOf(year, month) ? [day] : []),
});

const item = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 31 }).map(nearestTo) },
  fc.constant(lastWorkday),
  fc.constant(lastDay),
  fc.integer({ min: 1, max: 31 }).map(plainDay),
);
const lists = fc
  .uniqueArray(item, { selector: ({ text }) => text, minLength: 1, maxLength: 4 })
  .filter((items) => items.some(({ text }) => text.endsWith('W')));

describe('W in cron: the nearest weekday', () => {
  it.each([
    // 2030: 1 June is a Saturday, 1 September a Sunday, 31 August a Saturday, 30 June a Sunday.
    ['0 0 15W * *', '2030-05-31T12:00Z', '2030-06-14 2030-07-15 2030-08-15 2030-09-16'],
    ['0 0 1W 6 *', '2030-01-01T12:00Z', '2030-06-03 2031-06-02'],
    ['0 0 1W 9 *', '2030-01-01T12:00Z', '2030-09-02 2031-09-01'],
    ['0 0 31W 8 *', '2030-01-01T12:00Z', '2030-08-30 2031-08-29'],
    ['0 0 30W 6 *', '2030-01-01T12:00Z', '2030-06-28 2031-06-30'],
    ['0 0 31W * *', '2030-01-31T12:00Z', '2030-03-29 2030-05-31 2030-07-31 2030-08-30'],
    ['0 0 29W 2 *', '2030-01-31T12:00Z', '2032-02-27 2036-02-29'],
    ['0 0 LW * *', '2030-05-31T12:00Z', '2030-06-28 2030-07-31 2030-08-30 2030-09-30'],
    ['0 0 1W,15W * *', '2030-05-31T12:00Z', '2030-06-03 2030-06-14 2030-07-01 2030-07-15'],
    ['0 0 15W,L * *', '2030-05-31T12:00Z', '2030-06-14 2030-06-30 2030-07-15 2030-07-31'],
    ['0 0 30,15W 2 *', '2030-01-01T12:00Z', '2030-02-15 2031-02-14'],
    ['0 0 1W * wed', '2030-05-31T12:00Z', '2030-06-03 2030-06-05 2030-06-12'],
    ['0 0 *,1W * wed', '2030-05-31T12:00Z', '2030-06-01 2030-06-02 2030-06-03'],
  ])('%s after %s is %s', (expression, after, expected) => {
    expect(take(expression, after, expected.split(' ').length).join(' ')).toBe(expected);
  });

  it('is what a look at every day of the month says, alone and beside other days', () => {
    fc.assert(
      fc.property(
        lists,
        fc.integer({ min: 1970, max: 2190 }),
        fc.integer({ min: 0, max: 11 }),
        (items, year, month) => {
          const schedule = cronSchedule(`0 0 ${items.map(({ text }) => text).join(',')} * *`, 'UTC');
          const expected = [0, 1, 2].flatMap((more) => {
            const [y, m] = [year + Math.floor((month + more) / 12), (month + more) % 12];
            const days = new Set(items.flatMap((one) => one.daysIn(y, m)));
            return [...days].sort((a, b) => a - b).map((day) => Date.UTC(y, m, day));
          });
          const end = Date.UTC(year, month + 3, 1);
          const ticks: number[] = [];
          for (let tick = schedule.next(Date.UTC(year, month, 1) - 1)!; tick < end; tick = schedule.next(tick)!) {
            ticks.push(tick);
          }
          expect(ticks).toEqual(expected);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('never leaves the month, nor names a day of the weekend', () => {
    for (let wanted = 1; wanted <= 31; wanted++) {
      const schedule = cronSchedule(`0 0 ${wanted}W * *`, 'UTC');
      const months = new Set<string>();
      let count = 0;
      for (let tick = schedule.next(-1)!; tick < Date.UTC(1998, 0, 1); tick = schedule.next(tick)!, count++) {
        const date = new Date(tick);
        expect(date.getUTCDay() % 6).not.toBe(0);
        expect(Math.abs(date.getUTCDate() - wanted)).toBeLessThanOrEqual(2);
        months.add(date.toISOString().slice(0, 7));
      }
      expect(months.size).toBe(count);
      expect(count).toBe(Array.from({ length: 336 }, (_, i) => i).filter((m) => lengthOf(1970, m) >= wanted).length);
    }
  });

  it('costs no more than other days do', () => {
    const work = (expression: string) => {
      const fields = parseFields(expression);
      return () => {
        for (let i = 0, wall = 0; i < 2_000; i++) wall = nextWall(fields, wall)! + DAY;
      };
    };
    const plain = fastestOf(10, work('0 9 15 * fri'));
    expect(fastestOf(10, work('0 9 15W,LW * fri'))).toBeLessThan(4 * plain + 1);
  });
});
