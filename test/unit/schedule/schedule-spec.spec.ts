import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compileSchedule,
  normalizeSchedule,
  sameSchedule,
  type ScheduleSpec,
  type StoredSchedule,
} from '../../../lib/core/schedule/schedule-spec.js';
import { scheduleProblems } from '../../../lib/core/schedule/schedule-problems.js';

const NOW = Date.UTC(2030, 0, 1);
const context = { now: NOW, timeZone: 'Europe/London' };

describe('a schedule as users write it', () => {
  it.each<[ScheduleSpec, StoredSchedule]>([
    [{ cron: ' 0  9 * * * ' }, { cron: '0 9 * * *', timeZone: 'Europe/London' }],
    [
      { cron: '@DAILY', timeZone: 'UTC' },
      { cron: '@daily', timeZone: 'UTC' },
    ],
    [{ every: '5m' }, { every: 300_000, anchor: NOW }],
    [{ every: 250 }, { every: 250, anchor: NOW }],
    [{ at: new Date(NOW + 5) }, { at: NOW + 5 }],
    [{ at: NOW + 5 }, { at: NOW + 5 }],
    [{ at: '2030-07-01T12:00:00Z' }, { at: Date.UTC(2030, 6, 1, 12) }],
    [{ at: '2030-07-01T12:00:00.250+02:00' }, { at: Date.UTC(2030, 6, 1, 10, 0, 0, 250) }],
    [{ at: '2030-07-01T12:00-0330' }, { at: Date.UTC(2030, 6, 1, 15, 30) }],
    [{ at: '2030-07-01 12:00+01' }, { at: Date.UTC(2030, 6, 1, 11) }],
    // Without an offset: the module's zone, never the machine's.
    [{ at: '2030-07-01T12:00:00' }, { at: Date.UTC(2030, 6, 1, 11) }],
    [{ at: '2030-01-15' }, { at: Date.UTC(2030, 0, 15) }],
    [{ at: '2030-03-31T01:30' }, { at: Date.UTC(2030, 2, 31, 1, 30) }],
    [{ delay: '30s' }, { at: NOW + 30_000 }],
    // Ticks at or before the moment a task is added do not exist for it.
    [{ delay: 0 }, { at: NOW + 1 }],
    ['now', { at: NOW + 1 }],
  ])('%j is stored as %j', (spec, stored) => {
    expect(scheduleProblems(spec, 'schedule')).toEqual([]);
    expect(normalizeSchedule(spec, context)).toEqual(stored);
    expect(normalizeSchedule(spec, context)).toEqual(JSON.parse(JSON.stringify(stored)));
    expect(compileSchedule(stored).next(NOW)).toBeGreaterThan(NOW);
  });

  it.each<[unknown, string[]]>([
    [undefined, ['schedule: undefined is not a schedule']],
    [null, ['schedule: null is not a schedule']],
    ['soon', ['schedule: "soon" is not a schedule; give { cron }, { daily }']],
    ['* * * * *', ['schedule: "* * * * *" is not a schedule']],
    [[], ['schedule: [] is not a schedule']],
    [5, ['schedule: 5 is not a schedule']],
    [{}, ['schedule: give one of cron, daily, weekly, monthly, every, at, delay and anyOf']],
    [
      { cron: '* * * * *', every: '5s' },
      [
        'schedule: give one of cron, daily, weekly, monthly, every, at, delay and anyOf, not cron and every together; anyOf takes several',
      ],
    ],
    [{ every: '5 minutes' }, ['schedule.every: "5 minutes" is not a duration']],
    [{ every: '5ms' }, ['schedule.every: "5ms" is too short']],
    [{ every: 1e15 }, ['schedule.every: 1000000000000000 is too long']],
    [{ every: null }, ['schedule.every: null is not a duration']],
    [{ delay: '-5s' }, ['schedule.delay: "-5s" is not a duration']],
    [{ delay: '5300w' }, ['schedule.delay: "5300w" is too long']],
    [{ at: 'tomorrow' }, ['schedule.at: "tomorrow" is not an instant']],
    [{ at: '2030-02-30' }, ['schedule.at: "2030-02-30" is not an instant']],
    [{ at: '2030-01-01T24:00' }, ['schedule.at: "2030-01-01T24:00" is not an instant']],
    [{ at: '1/2/2030' }, ['schedule.at: "1/2/2030" is not an instant']],
    [{ at: new Date(Number.NaN) }, ['schedule.at: Invalid Date is not an instant']],
    [{ at: '1969-12-31' }, ['schedule.at: "1969-12-31" is outside the years 1970 to 2199']],
    [{ at: 8.64e15 }, ['schedule.at: 8640000000000000 is outside']],
    [{ at: {} }, ['schedule.at: {} is not an instant']],
    [{ crom: '* * * * *' }, ["schedule.crom: is not known; did you mean 'cron'?", 'schedule: give one of']],
    [{ every: '5s', timeZone: 'UTC' }, ['schedule.timeZone: has no meaning for an interval without except']],
    [
      { cron: '61 25 * * *', timeZone: 'Nowhere', timezone: 1 },
      [
        'schedule.cron: "61 25 * * *": minute "61"',
        'schedule.cron: "61 25 * * *": hour "25"',
        'schedule.timeZone: "Nowhere" is not a time zone',
        "schedule.timezone: is not known; did you mean 'timeZone'?",
      ],
    ],
  ])('%j is refused with all that is wrong', (spec, starts) => {
    const problems = scheduleProblems(spec, 'schedule');
    expect(problems).toEqual(starts.map((start) => expect.stringContaining(start)));
    expect(() => normalizeSchedule(spec as ScheduleSpec, context)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEDULE' }),
    );
  });

  it('refuses an unknown zone of the module too', () => {
    expect(() => normalizeSchedule({ cron: '* * * * *' }, { now: NOW, timeZone: 'Nowhere' })).toThrow(
      /timeZone: "Nowhere"/,
    );
  });

  it('names problems by the path it is given', () => {
    expect(scheduleProblems({ every: 0 }, 'tasks[2].schedule')[0]).toMatch(/^tasks\[2\]\.schedule\.every: /);
    expect(scheduleProblems({ every: 0 }, '')[0]).toMatch(/^every: /);
  });

  it('takes anything without breaking, and what it takes compiles', () => {
    const keys = fc.constantFrom('cron', 'every', 'at', 'delay', 'timeZone', '__proto__', 'x');
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.dictionary(keys, fc.anything(), { maxKeys: 2 })), (spec) => {
        if (scheduleProblems(spec, 'schedule').length > 0) return;
        const schedule = compileSchedule(normalizeSchedule(spec as ScheduleSpec, context));
        expect(typeof schedule.describe()).toBe('string');
      }),
      { numRuns: 500 },
    );
  });
});

describe('a schedule as it is stored', () => {
  const cron = { cron: '0 9 * * *', timeZone: 'UTC' };

  it.each<[StoredSchedule, StoredSchedule, boolean]>([
    [cron, { ...cron }, true],
    [cron, { ...cron, timeZone: 'Europe/London' }, false],
    [cron, { ...cron, cron: '0 8 * * *' }, false],
    [{ every: 5000, anchor: 1 }, { every: 5000, anchor: 2 }, true],
    [{ every: 5000, anchor: 1 }, { every: 6000, anchor: 1 }, false],
    [{ at: 5000 }, { at: 5000 }, true],
    [{ at: 5000 }, { at: 5001 }, false],
    [{ at: 5000 }, { every: 5000, anchor: 1 }, false],
    [{ every: 5000, anchor: 1 }, cron, false],
  ])('%j and %j: same is %s', (a, b, same) => {
    expect(sameSchedule(a, b)).toBe(same);
    expect(sameSchedule(b, a)).toBe(same);
  });

  it.each<unknown>([
    {},
    { cron: 5, timeZone: 'UTC' },
    { cron: '* * * * *' },
    { every: '5s', anchor: 0 },
    { every: 5000 },
    { at: '2030' },
    null,
    'now',
  ])('%j, which this version did not write, is refused by its code', (stored) => {
    expect(() => compileSchedule(stored as StoredSchedule)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEDULE' }),
    );
  });
});
