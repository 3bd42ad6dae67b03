import { describe, expect, it } from '@jest/globals';
import { compileSchedule, normalizeSchedule, type ScheduleSpec } from '../../../lib/core/schedule/schedule-spec.js';
import { scheduleProblems } from '../../../lib/core/schedule/schedule-problems.js';
import type { TaskInput } from '../../../lib/core/task/task-definition.js';
import { defineTask, taskProblems } from '../../../lib/core/task/validate.js';

const NOW = Date.UTC(2030, 0, 1);
const KINDS = 'cron, daily, weekly, monthly, every, at, delay and anyOf';
const TIME = "is not a time of day; give 'HH:MM' or 'HH:MM:SS', from '00:00' to '23:59:59'";
const WEEKDAY = "is not a day of the week; give 'monday' or 'mon'";
const MONTH_DAY = "is not a day of the month; give 1 to 31, 'last', 'second tuesday' or 'last friday'";
const WEEKLY = "give an object, as { on: ['mon', 'thu'], at: '09:00' }";
const MONTHLY = "give an object, as { day: 1, at: '09:00' }";
const POLICY = "is not a policy; give { gap: 'shift' | 'skip', overlap: 'first' | 'second' | 'both' }";

describe('each kind of schedule', () => {
  it.each<[ScheduleSpec, next: string]>([
    [{ cron: '30 9 * * *' }, '2030-01-01T09:30:00.000Z'],
    [{ daily: '09:30' }, '2030-01-01T09:30:00.000Z'],
    [{ weekly: { on: 'thu', at: '09:30' } }, '2030-01-03T09:30:00.000Z'],
    [{ monthly: { day: 'last', at: '09:30' } }, '2030-01-31T09:30:00.000Z'],
    [{ every: '90m' }, '2030-01-01T01:30:00.000Z'],
    [{ at: '2030-02-01T09:30' }, '2030-02-01T09:30:00.000Z'],
    [{ delay: '90m' }, '2030-01-01T01:30:00.000Z'],
    [{ anyOf: [{ daily: '09:30' }, { every: '10h' }, { delay: '9h' }] }, '2030-01-01T09:00:00.000Z'],
    ['now', '2030-01-01T00:00:00.001Z'],
  ])('%j is one', (spec, next) => {
    expect(scheduleProblems(spec, 'schedule')).toEqual([]);
    const stored = normalizeSchedule(spec, { now: NOW, timeZone: 'UTC' });
    const schedule = compileSchedule(JSON.parse(JSON.stringify(stored)) as typeof stored);
    expect(new Date(schedule.next(NOW)!).toISOString()).toBe(next);
    expect(schedule.describe()).not.toBe('');
    expect(normalizeSchedule(spec, { now: NOW, timeZone: 'UTC' })).toEqual(stored);
  });

  it.each<[spec: unknown, problems: string[]]>([
    [{}, [`schedule: give one of ${KINDS}`]],
    [
      { daily: '09:00', cron: '0 9 * * *' },
      [`schedule: give one of ${KINDS}, not cron and daily together; anyOf takes several`],
    ],
    [{ dayly: '09:00' }, ["schedule.dayly: is not known; did you mean 'daily'?", `schedule: give one of ${KINDS}`]],
    [{ daily: '9:00' }, [`schedule.daily: "9:00" ${TIME}`]],
    [{ daily: '24:00' }, [`schedule.daily: "24:00" ${TIME}`]],
    [{ daily: ['09:00', '09:60', 9] }, [`schedule.daily: "09:60" ${TIME}`, `schedule.daily: 9 ${TIME}`]],
    [{ daily: [] }, ['schedule.daily: the list is empty; give at least one']],
    [{ daily: undefined }, [`schedule.daily: undefined ${TIME}`]],
    [{ weekly: '09:00' }, [`schedule.weekly: "09:00" is not complete; ${WEEKLY}`]],
    [{ weekly: null }, [`schedule.weekly: null is not complete; ${WEEKLY}`]],
    [
      { weekly: { day: 'mon', at: '09:00' } },
      ['schedule.weekly.day: is not known; there are on and at', `schedule.weekly.on: is missing; ${WEEKLY}`],
    ],
    [{ weekly: { on: 'mon' } }, [`schedule.weekly.at: is missing; ${WEEKLY}`]],
    [{ weekly: { on: ['mon', 'tues'], at: '09:00' } }, [`schedule.weekly.on: "tues" ${WEEKDAY}`]],
    [
      { weekly: { on: [], at: 'noon' } },
      ['schedule.weekly.on: the list is empty; give at least one', `schedule.weekly.at: "noon" ${TIME}`],
    ],
    [
      { monthly: { days: 1, at: '09:00' } },
      ["schedule.monthly.days: is not known; did you mean 'day'?", `schedule.monthly.day: is missing; ${MONTHLY}`],
    ],
    ...[0, 32, 1.5, '1', 'first', 'sixth monday', 'last day', 'second  tuesday', -1, 'last friday of the month'].map(
      (day): [unknown, string[]] => [
        { monthly: { day, at: '09:00' } },
        [`schedule.monthly.day: ${JSON.stringify(day)} ${MONTH_DAY}`],
      ],
    ),
    [{ every: '5m', dst: { gap: 'skip' } }, ['schedule.dst: has no meaning for a schedule with every']],
    [{ at: NOW, timeZone: 'UTC' }, ['schedule.timeZone: has no meaning for a schedule with at']],
    [{ delay: '5m', except: '12-25' }, ['schedule.except: has no meaning for a schedule with delay']],
    [{ daily: '09:00', timezone: 'UTC' }, ["schedule.timezone: is not known; did you mean 'timeZone'?"]],
    [{ daily: '09:00', dst: 'skip' }, [`schedule.dst: "skip" ${POLICY}`]],
    [{ daily: '09:00', dst: { gap: 'both' } }, [`schedule.dst.gap: "both" is none of 'shift', 'skip'`]],
    [
      { daily: '09:00', dst: { overlap: 'skip' } },
      [`schedule.dst.overlap: "skip" is none of 'first', 'second', 'both'`],
    ],
    [{ daily: '09:00', dst: { gaps: 'skip' } }, ["schedule.dst.gaps: is not known; did you mean 'gap'?"]],
    [{ anyOf: [] }, ['schedule.anyOf: [] is not a list of schedules; give at least one']],
    [
      { anyOf: { daily: '09:00' } },
      ['schedule.anyOf: {"daily":"09:00"} is not a list of schedules; give at least one'],
    ],
    [
      { anyOf: [{ daily: '09:00' }, { daily: 'nine' }, { anyOf: [{ every: '1ms' }] }] },
      [
        `schedule.anyOf[1].daily: "nine" ${TIME}`,
        'schedule.anyOf[2].anyOf[0].every: "1ms" is too short; the shortest interval is 10ms',
      ],
    ],
    [
      { anyOf: Array.from({ length: 51 }, () => ({ daily: '09:00' })) },
      ['schedule.anyOf: 51 schedules are too many; at most 50 make one'],
    ],
    [{ delay: '101y' }, [expect.stringContaining('schedule.delay: ') as unknown as string]],
  ])('%j is refused: %j', (spec, problems) => {
    expect(scheduleProblems(spec, 'schedule')).toEqual(problems);
    expect(() => normalizeSchedule(spec as ScheduleSpec, { now: NOW, timeZone: 'UTC' })).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEDULE' }),
    );
  });

  it('a union of unions is held to the same bound as a flat one', () => {
    const fifty = (part: ScheduleSpec): ScheduleSpec => ({ anyOf: Array.from({ length: 50 }, () => part) });
    expect(scheduleProblems(fifty(fifty({ daily: '09:00' })), 'schedule')).not.toEqual([]);
  });
});

describe('the policies of time', () => {
  const of = (policies: object): TaskInput => ({ name: 'a', schedule: { daily: '09:00' }, ...policies });

  it.each<[policies: object, problem: string]>([
    [
      { startAt: 'soon' },
      `startAt: "soon" is not an instant; give a Date, epoch milliseconds or ISO 8601 text, as '2030-01-31T09:00:00Z'`,
    ],
    [
      { endAt: null },
      `endAt: null is not an instant; give a Date, epoch milliseconds or ISO 8601 text, as '2030-01-31T09:00:00Z'`,
    ],
    [{ startAt: -1 }, 'startAt: -1 is outside the years 1970 to 2199'],
    [{ endAt: '2200-01-01' }, 'endAt: "2200-01-01" is outside the years 1970 to 2199'],
    [{ startAt: 2_000, endAt: 1_999 }, 'endAt: it lies before startAt, so there is no tick'],
    [{ maxRuns: 0 }, 'maxRuns: 0 is not a whole number of at least 1'],
    [{ maxRuns: 1.5 }, 'maxRuns: 1.5 is not a whole number of at least 1'],
    [{ maxRuns: '3' }, 'maxRuns: "3" is not a whole number of at least 1'],
    [{ jitter: 0 }, 'jitter: 0 is too short; give at least 1 ms, or leave it out'],
    [{ jitter: 'a while' }, `jitter: "a while" is not a duration`],
    [{ runOnStart: true }, 'runOnStart: true is none of "cluster", "version"'],
    [{ runOnStart: 'node' }, 'runOnStart: "node" is none of "cluster", "version"'],
    [{ runsMax: 3 }, 'runsMax: unknown option'],
    [{ startat: NOW }, 'startat: unknown option; did you mean startAt?'],
  ])('%j is refused: %s', (policies, problem) => {
    expect(taskProblems(of(policies), '', 'UTC')).toEqual([expect.stringContaining(problem)]);
    expect(taskProblems(of(policies), 'tasks[1]', 'UTC')).toEqual([expect.stringContaining(`tasks[1].${problem}`)]);
  });

  it('are stored as instants and milliseconds', () => {
    const terms = { now: NOW, timeZone: 'Asia/Tokyo', defaults: {}, source: 'dynamic' as const };
    const input = of({
      startAt: '2030-06-01',
      endAt: new Date(Date.UTC(2030, 5, 1)),
      maxRuns: 3,
      jitter: '5m',
      runOnStart: 'cluster',
    });
    expect(defineTask(input, terms).definition.policies).toEqual({
      startAt: Date.UTC(2030, 4, 31, 15),
      endAt: Date.UTC(2030, 5, 1),
      maxRuns: 3,
      jitterMs: 300_000,
      runOnStart: 'cluster',
    });
  });

  it('one instant as start and end is no mistake', () => {
    expect(taskProblems(of({ startAt: NOW, endAt: new Date(NOW) }), '')).toEqual([]);
  });
});

describe('moving ticks to working days', () => {
  const except = { calendar: 'de', shift: 'next' } as const;

  it.each<[ScheduleSpec, string]>([
    [{ every: '5m', except }, 'give cron, daily, weekly or monthly'],
    [{ anyOf: [{ daily: '09:00' }, { at: '2030-01-01T00:00:00Z' }], except }, 'give cron, daily, weekly or monthly'],
    [{ cron: '*/10 * * * *', except: ['12-25', except] }, 'at most 100 times a day to another day, these are 144'],
    [{ anyOf: [{ cron: '*/20 * * * *' }, { cron: '0,30 * * * *' }], except }, 'these are 120'],
  ])('is refused for %j', (spec, problem) => {
    expect(scheduleProblems(spec, 'schedule')).toEqual([
      expect.stringMatching(new RegExp(`^schedule\\.except: shift moves .*${problem}`)),
    ]);
  });

  it.each<ScheduleSpec>([
    { cron: 'H/15 * * * *', except },
    { anyOf: [{ daily: '09:00' }, { monthly: { day: 'last', at: '18:00' } }], except },
    { every: '5m', except: { calendar: 'de' } },
  ])('is allowed for %j', (spec) => {
    expect(scheduleProblems(spec, 'schedule')).toEqual([]);
  });
});
