import { describe, expect, it } from '@jest/globals';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import type { DstPolicy } from '../../../lib/core/schedule/zone/dst.js';

const take = (expression: string, zone: string, after: string, count: number, dst?: DstPolicy): string[] => {
  const schedule = cronSchedule(expression, zone, dst);
  const ticks: string[] = [];
  for (
    let tick = schedule.next(Date.parse(after));
    tick !== undefined && ticks.length < count;
    tick = schedule.next(tick)
  ) {
    ticks.push(new Date(tick).toISOString().replace(':00.000Z', 'Z').replace('.000Z', 'Z'));
  }
  return ticks;
};

describe('cron: which instants', () => {
  it.each([
    ['* * * * *', '2030-01-01T00:00Z', '2030-01-01T00:01Z 2030-01-01T00:02Z'],
    ['* * * * * *', '2030-01-01T00:00Z', '2030-01-01T00:00:01Z 2030-01-01T00:00:02Z'],
    ['*/20 * * * * *', '2030-01-01T00:00:20Z', '2030-01-01T00:00:40Z 2030-01-01T00:01Z'],
    ['5/15 * * * *', '2030-01-01T00:50Z', '2030-01-01T01:05Z 2030-01-01T01:20Z'],
    ['0 9 * * mon-fri', '2030-01-04T08:00Z', '2030-01-04T09:00Z 2030-01-07T09:00Z'],
    ['0 9 * JAN,jul *', '2030-01-31T10:00Z', '2030-07-01T09:00Z 2030-07-02T09:00Z'],
    ['0 0 1 1 ?', '2030-01-01T00:00Z', '2031-01-01T00:00Z 2032-01-01T00:00Z'],
    ['0 0 29 2 *', '2030-01-01T00:00Z', '2032-02-29T00:00Z 2036-02-29T00:00Z'],
    ['0 0 29 2 *', '2096-03-01T00:00Z', '2104-02-29T00:00Z 2108-02-29T00:00Z'],
    ['0 0 31 * *', '2030-01-31T00:00Z', '2030-03-31T00:00Z 2030-05-31T00:00Z'],
    ['0 0 L * *', '2032-01-31T00:00Z', '2032-02-29T00:00Z 2032-03-31T00:00Z'],
    ['0 0 L 2 *', '2030-01-01T00:00Z', '2030-02-28T00:00Z 2031-02-28T00:00Z'],
    ['0 0 * * 5L', '2030-01-01T00:00Z', '2030-01-25T00:00Z 2030-02-22T00:00Z'],
    ['0 0 * * 1#2', '2030-01-01T00:00Z', '2030-01-14T00:00Z 2030-02-11T00:00Z'],
    ['0 0 * * 1#5', '2030-01-01T00:00Z', '2030-04-29T00:00Z 2030-07-29T00:00Z'],
    ['0 0 * * 0', '2030-01-01T00:00Z', '2030-01-06T00:00Z 2030-01-13T00:00Z'],
    ['0 0 * * 7', '2030-01-01T00:00Z', '2030-01-06T00:00Z 2030-01-13T00:00Z'],
    ['0 0 * * 5-7', '2030-01-01T00:00Z', '2030-01-04T00:00Z 2030-01-05T00:00Z'],
    ['59 59 23 31 12 *', '2030-01-01T00:00Z', '2030-12-31T23:59:59Z 2031-12-31T23:59:59Z'],
    ['@daily', '2030-01-01T00:00Z', '2030-01-02T00:00Z 2030-01-03T00:00Z'],
    ['  @HOURLY ', '2030-01-01T00:00Z', '2030-01-01T01:00Z 2030-01-01T02:00Z'],
    // A day of month and a day of week: either suffices, as in every cron since Vixie's.
    ['0 0 13 * 5', '2030-09-01T00:00Z', '2030-09-06T00:00Z 2030-09-13T00:00Z'],
    // A Monday that is 29 February comes every 28 years, but for 2100: forty between.
    ['0 0 * 2 1#5', '2030-01-01T00:00Z', '2044-02-29T00:00Z 2072-02-29T00:00Z'],
    ['0 0 * 2 1#5', '2072-02-29T00:00Z', '2112-02-29T00:00Z 2140-02-29T00:00Z'],
    // The weekday nearest to a day: 15 June 2030 is a Saturday, 30 June 2030 a Sunday.
    ['0 0 15W 6 *', '2030-01-01T00:00Z', '2030-06-14T00:00Z 2031-06-16T00:00Z'],
    ['0 0 LW 6 *', '2030-01-01T00:00Z', '2030-06-28T00:00Z 2031-06-30T00:00Z'],
    ['0 0 1W,L * *', '2030-05-31T00:00Z', '2030-06-03T00:00Z 2030-06-30T00:00Z'],
    // 0 and 7 are one Sunday, also in a range that has both.
    ['0 0 * * 0-7', '2030-01-01T00:00Z', '2030-01-02T00:00Z 2030-01-03T00:00Z'],
    ['@weekdays', '2030-01-04T00:00Z', '2030-01-07T00:00Z 2030-01-08T00:00Z'],
    // A step of one is no list of days.
    ['0 0 13 * */1', '2030-09-01T00:00Z', '2030-09-13T00:00Z 2030-10-13T00:00Z'],
  ])('%s after %s', (expression, after, expected) => {
    expect(take(expression, 'UTC', after, 2).join(' ')).toBe(expected);
  });

  it('is in the zone it is given', () => {
    expect(take('0 9 * * *', 'Asia/Kolkata', '2030-01-01T00:00Z', 1)).toEqual(['2030-01-01T03:30Z']);
    expect(take('0 9 * * *', 'asia/tokyo', '2030-01-01T00:00Z', 1)).toEqual(['2030-01-02T00:00Z']);
    expect(take('0 0 1 * *', 'Pacific/Kiritimati', '2030-01-15T00:00Z', 1)).toEqual(['2030-01-31T10:00Z']);
  });

  it('looks strictly after, whatever part of a second it is given', () => {
    const schedule = cronSchedule('* * * * * *', 'UTC');
    expect([0, 0.5, 1, 999, 999.9].map((after) => schedule.next(after))).toEqual([1000, 1000, 1000, 1000, 1000]);
    expect(schedule.next(1000)).toBe(2000);
  });

  it('keeps to the years 1970 to 2199', () => {
    const yearly = cronSchedule('0 0 1 1 *', 'UTC');
    expect(yearly.next(-Infinity)).toBe(0);
    expect(yearly.next(Date.UTC(2198, 5))).toBe(Date.UTC(2199, 0, 1));
    expect(yearly.next(Date.UTC(2199, 0, 1))).toBeUndefined();
    expect(yearly.next(Number.NaN)).toBeUndefined();
    expect(yearly.next(Infinity)).toBeUndefined();
  });

  it('shares one evaluator between equal expressions', () => {
    expect(cronSchedule('0  9 * * *', 'UTC')).toBe(cronSchedule(' 0 9 * * * ', 'UTC'));
    expect(cronSchedule('0 9 * * *', 'UTC')).not.toBe(cronSchedule('0 9 * * *', 'Europe/London'));
  });

  it('says what it is', () => {
    expect(cronSchedule('0 9 * * *', 'Europe/London').describe()).toBe('At 09:00, every day, in Europe/London');
  });

  it.each([
    ['* * * * * *', 1_000],
    ['0,50 * * * * *', 10_000],
    ['0,30 * * * * *', 30_000],
    ['15 * * * * *', 60_000],
    ['* * * * *', 60_000],
    ['*/5 * * * *', 300_000],
    ['0,58 * * * *', 120_000],
    ['0 9 * * *', 900_000],
    ['0 0 29 2 *', 900_000],
  ])('knows a smallest gap of %s', (expression, gap) => {
    expect(cronSchedule(expression, 'UTC').minGapMs).toBe(gap);
  });
});

describe('cron: when clocks change', () => {
  const NEW_YORK = 'America/New_York';
  const LORD_HOWE = 'Australia/Lord_Howe';

  it.each([
    // New York, 2030-03-10: 02:00 EST is 03:00 EDT (07:00Z).
    [
      'a time in the gap fires an hour later',
      '30 2 * * *',
      NEW_YORK,
      '2030-03-09T12:00Z',
      '2030-03-10T07:30Z 2030-03-11T06:30Z',
    ],
    [
      'all of them, in order',
      '*/20 2 * * *',
      NEW_YORK,
      '2030-03-09T12:00Z',
      '2030-03-10T07:00Z 2030-03-10T07:20Z 2030-03-10T07:40Z 2030-03-11T06:00Z',
    ],
    [
      'together with the hour they fall into',
      '15 2,3 * * *',
      NEW_YORK,
      '2030-03-09T12:00Z',
      '2030-03-10T07:15Z 2030-03-11T06:15Z 2030-03-11T07:15Z',
    ],
    [
      'between the times of that hour',
      '0 2 * * *',
      NEW_YORK,
      '2030-03-09T12:00Z',
      '2030-03-10T07:00Z 2030-03-11T06:00Z',
    ],
    [
      'every hour goes on',
      '30 * * * *',
      NEW_YORK,
      '2030-03-10T05:45Z',
      '2030-03-10T06:30Z 2030-03-10T07:30Z 2030-03-10T08:30Z',
    ],
    // New York, 2030-11-03: 02:00 EDT is 01:00 EST (06:00Z).
    [
      'a time that comes twice fires the first time',
      '30 1 * * *',
      NEW_YORK,
      '2030-11-02T12:00Z',
      '2030-11-03T05:30Z 2030-11-04T06:30Z',
    ],
    [
      'and all of its hour',
      '*/30 1-2 * * *',
      NEW_YORK,
      '2030-11-02T12:00Z',
      '2030-11-03T05:00Z 2030-11-03T05:30Z 2030-11-03T07:00Z 2030-11-03T07:30Z',
    ],
    [
      'every hour fires both times',
      '30 * * * *',
      NEW_YORK,
      '2030-11-03T04:45Z',
      '2030-11-03T05:30Z 2030-11-03T06:30Z 2030-11-03T07:30Z',
    ],
    // London, 2030-03-31 01:00 GMT is 02:00 BST; 2030-10-27 02:00 BST is 01:00 GMT.
    ['London, gap', '30 1 * * *', 'Europe/London', '2030-03-30T12:00Z', '2030-03-31T01:30Z 2030-04-01T00:30Z'],
    ['London, overlap', '30 1 * * *', 'Europe/London', '2030-10-26T12:00Z', '2030-10-27T00:30Z 2030-10-28T01:30Z'],
    [
      'London, every quarter',
      '*/30 * * * *',
      'Europe/London',
      '2030-10-27T00:00Z',
      '2030-10-27T00:30Z 2030-10-27T01:00Z 2030-10-27T01:30Z 2030-10-27T02:00Z',
    ],
    // Lord Howe changes by half an hour: 2030-10-06 02:00 +10:30 is 02:30 +11 (15:30Z); 2030-04-07 02:00 +11 is 01:30 +10:30 (15:00Z).
    ['half an hour, gap', '15 2 * * *', LORD_HOWE, '2030-10-04T20:00Z', '2030-10-05T15:45Z 2030-10-06T15:15Z'],
    [
      'half an hour, between two times',
      '15,40 2 * * *',
      LORD_HOWE,
      '2030-10-04T20:00Z',
      '2030-10-05T15:40Z 2030-10-05T15:45Z 2030-10-06T15:15Z',
    ],
    ['half an hour, overlap', '45 1 * * *', LORD_HOWE, '2030-04-05T20:00Z', '2030-04-06T14:45Z 2030-04-07T15:15Z'],
    [
      'half an hour, hourly skips what is not there',
      '15 * * * *',
      LORD_HOWE,
      '2030-10-05T14:00Z',
      '2030-10-05T14:45Z 2030-10-05T16:15Z',
    ],
    [
      'half an hour, hourly fires both',
      '45 * * * *',
      LORD_HOWE,
      '2030-04-06T14:00Z',
      '2030-04-06T14:45Z 2030-04-06T15:15Z 2030-04-06T16:15Z',
    ],
    // Cairo skips midnight, 2030-04-26 00:00 +02 is 01:00 +03 (2030-04-25T22:00Z).
    ['a gap at midnight', '0 0 * * *', 'Africa/Cairo', '2030-04-25T12:00Z', '2030-04-25T22:00Z 2030-04-26T21:00Z'],
    ['and its day', '30 0 26 * *', 'Africa/Cairo', '2030-04-01T00:00Z', '2030-04-25T22:30Z 2030-05-25T21:30Z'],
    // Samoa had no 30 December 2011.
    [
      'a day that was not',
      '0 12 * * *',
      'Pacific/Apia',
      '2011-12-29T00:00Z',
      '2011-12-29T22:00Z 2011-12-30T22:00Z 2011-12-31T22:00Z',
    ],
    ['a date that was not', '0 12 30 * *', 'Pacific/Apia', '2011-12-01T00:00Z', '2011-12-30T22:00Z 2012-01-29T22:00Z'],
    // Troll changes by two hours.
    ['two hours at once', '30 1 * * *', 'Antarctica/Troll', '2030-03-30T12:00Z', '2030-03-31T01:30Z 2030-03-31T23:30Z'],
  ])('%s: %s in %s', (_what, expression, zone, after, expected) => {
    expect(take(expression, zone, after, expected.split(' ').length).join(' ')).toBe(expected);
  });

  it.each([
    ['30 2 * * *', { gap: 'skip' }, '2030-03-09T12:00Z', '2030-03-11T06:30Z 2030-03-12T06:30Z'],
    ['15 2,3 * * *', { gap: 'skip' }, '2030-03-09T12:00Z', '2030-03-10T07:15Z 2030-03-11T06:15Z'],
    ['30 1 * * *', { overlap: 'second' }, '2030-11-02T12:00Z', '2030-11-03T06:30Z 2030-11-04T06:30Z'],
    ['30 1 * * *', { overlap: 'both' }, '2030-11-02T12:00Z', '2030-11-03T05:30Z 2030-11-03T06:30Z 2030-11-04T06:30Z'],
    ['30 1 3 11 *', { overlap: 'both' }, '2030-06-01T12:00Z', '2030-11-03T05:30Z 2030-11-03T06:30Z 2031-11-03T06:30Z'],
    // In all 24 hours: real time, whatever the policy.
    ['30 * * * *', { gap: 'shift', overlap: 'second' }, '2030-11-03T05:00Z', '2030-11-03T05:30Z 2030-11-03T06:30Z'],
    ['30 * 3 11 *', { overlap: 'first' }, '2030-11-03T05:00Z', '2030-11-03T05:30Z 2030-11-03T06:30Z'],
  ] as [string, DstPolicy, string, string][])('%s with %j after %s', (expression, dst, after, expected) => {
    expect(take(expression, NEW_YORK, after, expected.split(' ').length, dst).join(' ')).toBe(expected);
  });

  it('answers the same wherever the search starts', () => {
    const gap = cronSchedule('30 2 * * *', NEW_YORK);
    expect(gap.next(Date.parse('2030-03-10T07:10Z'))).toBe(Date.parse('2030-03-10T07:30Z'));
    const overlap = cronSchedule('30 1 * * *', NEW_YORK);
    expect(overlap.next(Date.parse('2030-11-03T06:05Z'))).toBe(Date.parse('2030-11-04T06:30Z'));
  });
});
