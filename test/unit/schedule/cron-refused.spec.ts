import { describe, expect, it } from '@jest/globals';
import { DistributedScheduleError } from '../../../lib/core/common/errors.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { cronProblems } from '../../../lib/core/schedule/cron/cron-problems.js';
import { fastestOf } from './fastest-of.js';

function refusal(expression: string, zone = 'UTC'): DistributedScheduleError {
  try {
    cronSchedule(expression, zone);
  } catch (error) {
    return error as DistributedScheduleError;
  }
  throw new Error(`${expression} was accepted`);
}

const REFUSED: [expression: string, says: RegExp][] = [
  ['', /has 0 fields, expected 5 .* or 6/],
  ['* * * *', /has 4 fields/],
  ['* * * * * * *', /has 7 fields/],
  ['*', /has 1 field,/],
  ['nonsense', /has 1 field,/],
  ['61 * * * *', /minute "61" .*allowed are 0-59/],
  ['60 * * * * *', /second "60" /],
  ['* 24 * * *', /hour "24" .*allowed are 0-23/],
  ['* * 0 * *', /day of month "0" .*1-31/],
  ['* * 32 * *', /day of month "32" /],
  ['* * * 13 *', /month "13" .*1-12 or jan-dec/],
  ['* * * mrz *', /month "mrz" /],
  ['* * * * 8', /day of week "8" .*0-7 or sun-sat/],
  ['* * * * monday', /day of week "monday" /],
  ['* * * * 1#6', /day of week "1#6" /],
  ['* * * * L', /day of week "L" /],
  ['* * W * *', /day of month "W" has a W in "W", which goes with one day of the month: 15W or LW/],
  ['* * 0W * *', /day of month "0W" has a W/],
  ['* * 32W * *', /day of month "32W" has a W/],
  ['* * 1-5W * *', /day of month "1-5W" has a W/],
  ['* * 1,15w * *', /day of month "1,15w" has a W in "15w"/],
  ['* * WL * *', /day of month "WL" has a W/],
  ['* * 15W,15W * *', /day of month "15W,15W" names a W twice/],
  ['* * 15W,40 * *', /day of month "15W,40" is out of range/],
  ['* * * * 5W', /day of week "5W" has a W/],
  ['* * * * W', /day of week "W" has a W/],
  ['5W * * * *', /minute "5W" has a W/],
  ['* * L-3 * *', /day of month "L-3" /],
  ['H * * * *', /has an H, which stands for a number that follows from a task's name/],
  ['* * * * wed,H', /has an H, which stands for a number/],
  ['h * * * *', /minute "h" has an h; write H in upper case/],
  ['h/5 * * * *', /minute "h\/5" has an h/],
  ['H0 * * * *', /minute "H0" is no form of H; there are H, H\(1-5\), H\/2 and H\(1-5\)\/2/],
  ['1-H * * * *', /minute "1-H" is no form of H/],
  ['H() * * * *', /minute "H\(\)" is no form of H/],
  ['H(5) * * * *', /minute "H\(5\)" is no form of H/],
  ['* * HW * *', /day of month "HW" is no form of H/],
  ['* * * * H#2', /day of week "H#2" is no form of H/],
  ['* * * * HL', /day of week "HL" is no form of H/],
  ['H(0-60) * * * *', /minute "H\(0-60\)" has a range of values the field does not have/],
  ['* * H(0-5) * *', /day of month "H\(0-5\)" has a range of values/],
  ['* * * * H(1-8)', /day of week "H\(1-8\)" has a range of values/],
  ['* * * * H(jan-mar)', /day of week "H\(jan-mar\)" has a range of values/],
  ['H(9-5) * * * *', /minute "H\(9-5\)" has a range that ends before it begins/],
  ['H/0 * * * *', /minute "H\/0" has a step of 0; write \* for every value, or H for one/],
  ['H/1 * * * *', /minute "H\/1" has a step of 1/],
  ['H/61 * * * *', /minute "H\/61" has a step of 61, its range has 60 values/],
  ['H(0-9)/11 * * * *', /minute "H\(0-9\)\/11" has a step of 11, its range has 10 values/],
  ['* * H/29 * *', /day of month "H\/29" has a step of 29, its range has 28 values/],
  ['H,99 * * * *', /minute "H,99" is out of range/],
  ['H,,5 * * * *', /minute "H,,5" has a comma with nothing beside it/],
  ['H,*/0 * * * *', /minute "H,\*\/0" has a step of 0/],
  ['0 0 31 H *', /may never fire: H may name months that have no such day/],
  ['0 0 H(29-31) 2 *', /may never fire/],
  ['0 0 H(20-31)/11 2 *', /may never fire/],
  ['0 0 31W H(2-3) *', /may never fire/],
  ['0 0 31W 2,4,6 *', /never fires: none of its months has such a day/],
  ['-5 * * * *', /minute "-5" /],
  ['1.5 * * * *', /minute "1.5" /],
  ['5- * * * *', /minute "5-" /],
  ['50-10 * * * *', /minute "50-10" .*min\(50\) > max\(10\)/],
  ['1-5-7 * * * *', /minute "1-5-7" /],
  ['*/0 * * * *', /minute "\*\/0" has a step of 0/],
  ['*/ * * * *', /minute "\*\/" /],
  ['*/5/5 * * * *', /minute "\*\/5\/5" /],
  ['*/90 * * * *', /minute "\*\/90" has a step of 90, the field has 60 values; for longer cycles use \{ every/],
  ['0-59/100 * * * *', /has a step of 100/],
  ['0 */36 * * *', /hour "\*\/36" has a step of 36/],
  ['1,,2 * * * *', /minute "1,,2" /],
  ['1,1 * * * *', /minute "1,1" .*duplicate/],
  ['@reboot', /"@reboot" is not known.*Known are @yearly/],
  ['@dayly', /did you mean '@daily'\?/],
  ['0 0 30 2 *', /never fires/],
  ['0 0 30 2 */1', /never fires/],
  ['0 0 31 2,4,6,9,11 *', /never fires/],
  ['0 0 30-31 feb *', /never fires/],
  ['1 ; * * *', /hour ";"/],
  ['__proto__ * * * *', /minute "__proto__"/],
];

const BOMBS = [
  ','.repeat(10_000),
  `${'1,'.repeat(10_000)}1 * * * *`,
  `${'0-59/1,'.repeat(35)}1 * * * *`,
  `${'*/1,'.repeat(60)}1 * * * *`,
  `${'1-'.repeat(120)}1 * * * *`,
  `${'/'.repeat(240)} * * * *`,
  `${'h(1-9)'.repeat(40)} * * * *`,
  `${'H(1-9)'.repeat(40)} * * * *`,
  `${'H,'.repeat(120)} * * * *`,
  `${'H('.repeat(120)} * * * *`,
  `H${'9'.repeat(240)} * * * *`,
  `H/${'9'.repeat(240)} * * * *`,
  `* * ${'15W,'.repeat(60)} * *`,
  `* * ${'9'.repeat(240)}W * *`,
  `* * * * ${'1#'.repeat(110)}`,
  ' '.repeat(1_000_000),
  `${'jan'.repeat(80)} * * * *`,
];

describe('cron: what is refused', () => {
  it.each(REFUSED)('%j', (expression, says) => {
    const error = refusal(expression);
    expect(error).toBeInstanceOf(DistributedScheduleError);
    expect(error.code).toBe('INVALID_SCHEDULE');
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^cron: /);
  });

  it.each(
    [...REFUSED.map(([expression]) => expression), ...BOMBS].map((expression) => [expression.slice(0, 30), expression]),
  )('%j in no time, with a short message', (_shown, expression) => {
    expect(fastestOf(3, () => cronProblems(expression))).toBeLessThan(25);
    const message = refusal(expression).message;
    expect(message.length).toBeLessThan(500);
  });

  it.each([null, undefined, 5, {}, [], true])('%j, which is no text', (value) => {
    expect(cronProblems(value)).toEqual([expect.stringContaining('is not a cron expression')]);
  });

  it.each([
    'H * * * *',
    'H H H H H H',
    'H/15 H(9-17)/2 H(1-31) H(jan-mar) H(mon-fri)',
    'H,30 9 * * WED',
    '0 0 29 H *', // comes in leap years
    '0 0 H(28-30) * *',
    '0 0 30,31 H(3-4) *',
    '0 0 31 H fri', // either suffices
    '0 9 1W,15W,LW * *',
    '0 9 L,LW,31W 1 WED',
    '0 9 29W 2 *',
    '0 9 30,15W 2 *', // the rest has no such day, the W has
  ])('%j is right', (expression) => {
    expect(cronProblems(expression)).toEqual([]);
  });

  it('names every wrong field at once', () => {
    expect(cronProblems('61 25 32 13 8')).toHaveLength(5);
    expect(cronProblems('60 61 25 32 13 8')).toHaveLength(6);
  });

  it('takes 256 characters and not one more', () => {
    const list = Array.from({ length: 60 }, (_, i) => i).join(',');
    const fits = `${list} * * * *`.padEnd(256, ' ');
    expect(cronProblems(fits)).toEqual([]);
    expect(cronProblems(`${fits} `)).toEqual([expect.stringContaining('257 characters')]);
  });

  it.each([
    ['Europe/Londn', /did you mean 'Europe\/London'/],
    ['London', /did you mean 'Europe\/London'/],
    ['new-york', /did you mean 'America\/New_York'/],
    ['Mars/Olympus', /is not a time zone this runtime knows/],
    ['+02:00', /is not a time zone; give an IANA name/],
    ['', /is not a time zone/],
    ['x'.repeat(10_000), /is not a time zone/],
  ])('the zone %j', (zone, says) => {
    const error = refusal('* * * * *', zone);
    expect(error.code).toBe('INVALID_SCHEDULE');
    expect(error.message).toMatch(says);
    expect(fastestOf(3, () => refusal('* * * * *', zone))).toBeLessThan(100);
  });

  it('says what is wrong with expression and zone together', () => {
    expect(refusal('61 * * * *', 'Nowhere').message).toMatch(/minute "61".*timeZone: "Nowhere"/);
  });
});
