import { describe, expect, it } from '@jest/globals';
import { TimeZone, timeZoneProblem } from '../../../lib/core/schedule/zone/time-zone.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What the runtime says directly. */
function offsetOf(zone: string, at: number): number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return Date.parse(`${format.format(at).replace(' ', 'T')}Z`) - at;
}

describe('time zone', () => {
  it.each([
    'UTC',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Pacific/Apia',
    'Asia/Tehran',
    'Asia/Kathmandu',
  ])('%s has the offsets of the runtime, in spans without gaps', (name) => {
    const zone = new TimeZone(name);
    for (let at = Date.UTC(2010, 0, 1); at < Date.UTC(2013, 0, 1);) {
      const span = zone.spanAt(at);
      expect(span.from <= at && at < span.to).toBe(true);
      for (const inside of [at, at + 1, Math.floor((at + span.to) / 2 / 1000) * 1000, span.to - 1000]) {
        expect(span.offset).toBe(offsetOf(name, Math.floor(inside / 1000) * 1000));
      }
      if (span.before !== span.offset) expect(offsetOf(name, span.from - 1000)).toBe(span.before);
      at = span.to;
    }
  });

  it('gives the same span whatever was asked before', () => {
    const zone = new TimeZone('Europe/London');
    const change = Date.UTC(2030, 2, 31, 1);
    for (const at of [change, change - 1, change + 40 * DAY, change + 1, change - 400 * DAY, change]) {
      const fresh = new TimeZone('Europe/London').spanAt(at);
      expect([zone.spanAt(at).offset, at >= change && at < change + HOUR ? zone.spanAt(at) : 0]).toEqual([
        fresh.offset,
        at >= change && at < change + HOUR ? fresh : 0,
      ]);
    }
  });

  // Offsets are kept by stretches of 366 days. These changes fall on the edge of one, or where the next begins to look.
  it.each([
    ['Asia/Jerusalem', '2079-03-24T00:00Z'],
    ['Asia/Jerusalem', '2087-03-28T00:00Z'],
    ['Africa/Cairo', '2121-04-24T22:00Z'],
  ])('in %s sees the change at %s from both sides', (name, change) => {
    const at = Date.parse(change);
    for (const seenFirst of [[], [at - 5 * DAY], [at + 5 * DAY]]) {
      const zone = new TimeZone(name);
      for (const instant of seenFirst) zone.spanAt(instant);
      const { before, offset } = zone.spanAt(at + 600_000);
      expect([before, offset]).toEqual([offsetOf(name, at - 1000), offsetOf(name, at)]);
    }
  });

  it.each([
    ['America/New_York', '2030-07-01T12:00Z', '2030-07-01T16:00Z', 'usually'],
    ['America/New_York', '2030-03-10T02:30Z', '2030-03-10T07:30Z', 'skipped: as late as the jump is long'],
    ['America/New_York', '2030-03-10T03:00Z', '2030-03-10T07:00Z', 'right after the gap'],
    ['America/New_York', '2030-11-03T01:30Z', '2030-11-03T05:30Z', 'twice: the first'],
    ['America/New_York', '2030-11-03T02:00Z', '2030-11-03T07:00Z', 'right after the overlap'],
    ['Pacific/Apia', '2011-12-30T12:00Z', '2011-12-30T22:00Z', 'a day that was not'],
    ['Pacific/Kiritimati', '2030-01-01T00:00Z', '2029-12-31T10:00Z', 'far east'],
    ['Pacific/Pago_Pago', '2030-01-01T00:00Z', '2030-01-01T11:00Z', 'far west'],
  ])('in %s clocks show %s at %s (%s)', (zone, wall, instant) => {
    expect(new TimeZone(zone).instantOf(Date.parse(wall))).toBe(Date.parse(instant));
  });

  it('knows every zone of the runtime, in any case', () => {
    for (const name of Intl.supportedValuesOf('timeZone')) expect(timeZoneProblem(name)).toBeUndefined();
    for (const name of ['UTC', 'utc', 'Etc/GMT+3', 'europe/london', 'Asia/Calcutta', 'EST5EDT'])
      expect(timeZoneProblem(name)).toBeUndefined();
  });
});
