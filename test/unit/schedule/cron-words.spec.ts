import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { parseFields, tidyExpression } from '../../../lib/core/schedule/cron/cron-fields.js';
import { cronWords } from '../../../lib/core/schedule/cron/cron-words.js';
import { anyCron, dailyCron } from './cron-arbitrary.js';
import { fastestOf } from './fastest-of.js';

describe('cron in plain words', () => {
  it.each([
    // Times of day, while they can be named.
    ['30 2 * * *', 'At 02:30, every day'],
    ['00 07 * * *', 'At 07:00, every day'],
    ['30 15 10 * * *', 'At 10:15:30, every day'],
    ['15,45 9,17 * * *', 'At 09:15, 09:45, 17:15, and 17:45, every day'],
    ['0 */6 * * *', 'At 00:00, 06:00, 12:00, and 18:00, every day'],
    // A pace.
    ['* * * * * *', 'Every second'],
    ['*/20 * * * * *', 'Every 20 seconds'],
    ['* * * * *', 'Every minute'],
    ['*/1 * * * *', 'Every minute'],
    ['*/15 * * * *', 'Every 15 minutes'],
    ['5/15 * * * *', 'Every 15 minutes, starting at 5 minutes past the hour'],
    ['05 * * * *', 'At 5 minutes past the hour'],
    ['7,22,37,52 * * * *', 'At 7, 22, 37, and 52 minutes past the hour'],
    ['10-20 * * * *', 'Minutes 10 through 20 past the hour'],
    ['30 * * * * *', 'At 30 seconds past the minute'],
    // Steps that start anew before they are over are no pace.
    ['*/31 * * * *', 'At 0 and 31 minutes past the hour'],
    ['*/25 * * * * *', 'At 0, 25, and 50 seconds past the minute'],
    ['*/7 * * * *', 'Every 7 minutes, minutes 0 through 56 past the hour'],
    // Hours: no moments, but stretches.
    ['0 9-17 * * *', 'On the hour, between 09:00 and 17:00'],
    ['15 9-17 * * *', 'At 15 minutes past the hour, between 09:00 and 17:59'],
    ['*/10 9,17 * * *', 'Every 10 minutes, between 09:00 and 09:59 and between 17:00 and 17:59'],
    ['* */2 * * *', 'Every minute, in every 2nd hour between 00:00 and 22:59'],
    ['0 22-23,0-5 * * *', 'On the hour, between 00:00 and 05:00 and between 22:00 and 23:00'],
    [
      '0 0,3,5,8,10,12,20 * * *',
      'On the hour, at 00:00, at 03:00, at 05:00, at 08:00, at 10:00, at 12:00, and at 20:00',
    ],
    ['0 0-23 * * *', 'Every hour'],
    ['*/5 0 9 * * *', 'Every 5 seconds, in minute 0 of the hour, between 09:00 and 09:59'],
    ['* */3 * * * *', 'Every second, in every 3rd minute from 0 to 57 of the hour'],
    ['* 5-7,30 * * * *', 'Every second, in minutes 5 through 7 and 30 of the hour'],
    // Days of the week.
    ['30 2 * * mon-fri', 'At 02:30, Monday through Friday'],
    ['30 2 * * 1-5', 'At 02:30, Monday through Friday'],
    ['0 0 * * 7', 'At 00:00, only on Sunday'],
    ['0 0 * * 5-7', 'At 00:00, Friday through Sunday'],
    ['0 0 * * 0,6', 'At 00:00, only on Saturday and Sunday'],
    ['0 0 * * 2-4,6', 'At 00:00, only on Tuesday through Thursday and Saturday'],
    ['0 0 * * 0-7', 'At 00:00, every day'],
    ['0 0 * * 5L', 'At 00:00, on the last Friday of the month'],
    ['0 0 * * 5L,1', 'At 00:00, on Monday and the last Friday of the month'],
    ['0 0 * * 1#2', 'At 00:00, on the second Monday of the month'],
    // Days of the month.
    ['0 0 1,15 * *', 'At 00:00, on day 1 and 15 of the month'],
    ['0 0 01 * *', 'At 00:00, on day 1 of the month'],
    ['0 0 */2 * *', 'At 00:00, every 2 days in a month, between day 1 and 31 of the month'],
    ['0 0 */15 * *', 'At 00:00, on day 1, 16, and 31 of the month'],
    ['0 0 L * *', 'At 00:00, on the last day of the month'],
    ['0 0 L,15 * *', 'At 00:00, on day 15 and the last day of the month'],
    ['0 0 15W * *', 'At 00:00, on the weekday nearest day 15 of the month'],
    ['0 0 LW * *', 'At 00:00, on the last weekday of the month'],
    ['0 0 1W,15W * *', 'At 00:00, on the weekday nearest day 1 and the weekday nearest day 15 of the month'],
    [
      '0 0 1-5,15W,LW * *',
      'At 00:00, on day 1 through 5, the weekday nearest day 15, and the last weekday of the month',
    ],
    // Both: either suffices.
    ['0 0 13 * 5', 'At 00:00, on day 13 of the month or on Friday'],
    ['0 9 1 * mon-fri', 'At 09:00, on day 1 of the month or Monday through Friday'],
    ['0 9 15W * fri', 'At 09:00, on the weekday nearest day 15 of the month or on Friday'],
    ['1 2 3 4 5 6', 'At 03:02:01, on day 4 of the month or on Saturday, only in May'],
    ['0 0 13 * 0-6', 'At 00:00, every day'],
    ['0 0 1-31 * mon', 'At 00:00, every day'],
    // Months.
    ['0 9 * jan,JUL *', 'At 09:00, only in January and July'],
    ['0 9 1 */5 *', 'At 09:00, on day 1 of the month, only in January, June, and November'],
    ['0 9 * 3-5 *', 'At 09:00, March through May'],
    // Aliases.
    ['@yearly', 'At 00:00, on day 1 of the month, only in January'],
    ['@annually', 'At 00:00, on day 1 of the month, only in January'],
    ['@monthly', 'At 00:00, on day 1 of the month'],
    ['@weekly', 'At 00:00, only on Sunday'],
    ['@daily', 'At 00:00, every day'],
    ['@hourly', 'Every hour'],
    ['@minutely', 'Every minute'],
    ['@secondly', 'Every second'],
    ['@weekdays', 'At 00:00, Monday through Friday'],
    ['@weekends', 'At 00:00, only on Saturday and Sunday'],
  ])('%s is: %s', (expression, words) => {
    expect(cronWords(tidyExpression(expression))).toBe(words);
  });

  it('falls back to the expression where it has none', () => {
    expect(cronWords('H * * * *')).toBe('cron "H * * * *"');
    expect(cronWords('nonsense')).toBe('cron "nonsense"');
  });

  it('has words for whatever is valid, and never an "and" between two kinds of days', () => {
    let both = 0;
    fc.assert(
      fc.property(anyCron, ({ expression }) => {
        const words = cronWords(expression);
        expect(words).toMatch(/^(At|Every|Minutes|Seconds|On the hour)\b/);
        expect(words).not.toMatch(/undefined|null|NaN|"|, ,|, and on|,$/);
        const { by, nth, lastWeekdays, weekdays } = parseFields(expression);
        const isEither = by === 'either' && (nth > 0 || lastWeekdays.length > 0 || weekdays.length < 7);
        if (isEither) both++;
        expect(/ month or /.test(words)).toBe(isEither);
      }),
      { numRuns: 2_000 },
    );
    expect(both).toBeGreaterThan(200);
  });

  it('names exactly the times of a day, where it names times', () => {
    let named = 0;
    fc.assert(
      fc.property(dailyCron, ({ expression }) => {
        const [, times] = /^At ((?:\d\d:\d\d(?:, and |, | and )?)+), every day$/.exec(cronWords(expression)) ?? [];
        if (times === undefined) return;
        named++;
        const schedule = cronSchedule(expression, 'UTC');
        const day = Date.UTC(2030, 5, 1);
        const ticks: string[] = [];
        for (let tick = schedule.next(day - 1)!; tick < day + 86_400_000; tick = schedule.next(tick)!) {
          ticks.push(new Date(tick).toISOString().slice(11, 16));
        }
        expect(times.match(/\d\d:\d\d/g)).toEqual(ticks);
      }),
      { numRuns: 1_000 },
    );
    expect(named).toBeGreaterThan(50);
  });

  it('costs next to nothing when asked again', () => {
    cronWords('30 2 * * 1-5');
    const thousand = fastestOf(5, () => {
      for (let i = 0; i < 1_000; i++) cronWords('30 2 * * 1-5');
    });
    expect(thousand).toBeLessThan(10);
  });
});
