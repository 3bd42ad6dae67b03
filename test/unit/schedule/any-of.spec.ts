import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyOf } from '../../../lib/core/schedule/any-of.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { onceSchedule } from '../../../lib/core/schedule/once.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { compileSchedule, normalizeSchedule, type ScheduleSpec } from '../../../lib/core/schedule/schedule-spec.js';
import { tickList } from './tick-list.js';

const START = Date.UTC(2030, 2, 30, 22);
const ZONES = ['UTC', 'Europe/London', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];

const parts: fc.Arbitrary<Schedule> = fc.oneof(
  fc
    .tuple(fc.constantFrom(1_000, 1_500, 7_000, 60_000, 90_000, 900_000, 3_600_000), fc.nat(100_000))
    .map(([every, ago]) => intervalSchedule(every, START - ago)),
  fc.nat(10_000_000).map((ms) => onceSchedule(START + ms)),
  fc
    .tuple(
      fc.constantFrom('*/5 * * * *', '7 * * * *', '30 1,2 * * *', '*/10 * * * * *', '15 */7 * * * *', '0 0 1 * *'),
      fc.constantFrom(...ZONES),
    )
    .map(([cron, zone]) => cronSchedule(cron, zone)),
  fc.array(fc.integer({ min: START, max: START + 10_000_000 }), { maxLength: 20 }).map((ticks) => tickList(ticks)),
);

function enumerate(schedule: Schedule, after: number, most: number): number[] {
  const ticks: number[] = [];
  for (let tick = schedule.next(after); tick !== undefined && ticks.length < most; tick = schedule.next(tick))
    ticks.push(tick);
  return ticks;
}

describe('any of several schedules', () => {
  it('has the ticks of all, each once, in order', () => {
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 5 }), fc.nat(1_000_000), (all, on) => {
        const after = START + on;
        const union = enumerate(
          anyOf(all, () => 'union'),
          after,
          60,
        );
        const last = union.at(-1) ?? after;
        const expected = new Set(all.flatMap((part) => enumerate(part, after, 60).filter((tick) => tick <= last)));
        expect(union).toEqual([...expected].sort((a, b) => a - b));
      }),
      { numRuns: 150 },
    );
  });

  it('no two ticks are closer than it says, and all have the phase it says', () => {
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 4 }), (all) => {
        const union = anyOf(all, () => 'union');
        const ticks = enumerate(union, START, 300);
        expect(union.minGapMs).toBeGreaterThanOrEqual(1);
        ticks.slice(1).forEach((tick, i) => expect(tick - ticks[i]!).toBeGreaterThanOrEqual(union.minGapMs));
        const { phase } = union;
        if (!phase) return;
        for (const tick of ticks) expect(phase.everyMs === 0 ? tick : tick % phase.everyMs).toBe(phase.offsetMs);
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, Schedule[], number]>([
    ['5 and 7 minutes', [intervalSchedule(300_000, 0), intervalSchedule(420_000, 0)], 60_000],
    ['10 s and 10 s, 3 s later', [intervalSchedule(10_000, 0), intervalSchedule(10_000, 3_000)], 3_000],
    ['10 s and 10 s, 7 s later', [intervalSchedule(10_000, 0), intervalSchedule(10_000, 7_000)], 3_000],
    ['10 s twice', [intervalSchedule(10_000, 0), intervalSchedule(10_000, 20_000)], 10_000],
    ['an hour, and once', [intervalSchedule(3_600_000, 0), onceSchedule(100_000)], 100_000],
    ['an hour, and once at one of them', [intervalSchedule(3_600_000, 0), onceSchedule(7_200_000)], 3_600_000],
    ['once and once', [onceSchedule(5_000), onceSchedule(8_000)], 3_000],
    ['once twice', [onceSchedule(5_000), onceSchedule(5_000)], Infinity],
    ['crons on whole minutes', [cronSchedule('0 9 * * *', 'UTC'), cronSchedule('1 9 * * *', 'Asia/Tokyo')], 60_000],
    ['what nothing is known of', [tickList([5]), intervalSchedule(10_000, 0)], 1],
  ])('how close ticks may come is known without looking: %s', (_, all, gap) => {
    expect(anyOf(all, () => '').minGapMs).toBe(gap);
  });

  it('of an interval and a cron it is known where the interval began on a whole minute', () => {
    const spec: ScheduleSpec = { anyOf: [{ every: '1h' }, { daily: '09:00' }] };
    const at = (now: number): number => compileSchedule(normalizeSchedule(spec, { now, timeZone: 'UTC' })).minGapMs;
    expect(at(START)).toBe(60_000);
    expect(at(START + 1)).toBe(1);
  });

  it('nested it is the same as flat', () => {
    const [a, b, c]: ScheduleSpec[] = [{ daily: '09:00' }, { every: '7h' }, { cron: '30 2 * * sun' }];
    const compile = (spec: ScheduleSpec): Schedule =>
      compileSchedule(normalizeSchedule(spec, { now: START, timeZone: 'Europe/London' }));
    const flat = compile({ anyOf: [a!, b!, c!] });
    const nested = compile({ anyOf: [a!, { anyOf: [b!, { anyOf: [c!] }] }] });
    expect(enumerate(nested, START, 100)).toEqual(enumerate(flat, START, 100));
  });

  it('a part has a zone and a policy of its own, or those of the whole', () => {
    const spec: ScheduleSpec = {
      anyOf: [{ daily: '02:30' }, { daily: '02:30', timeZone: 'Asia/Tokyo', dst: { gap: 'shift' } }],
      timeZone: 'America/New_York',
      dst: { gap: 'skip' },
    };
    expect(normalizeSchedule(spec, { now: START, timeZone: 'UTC' })).toEqual({
      anyOf: [
        { daily: ['02:30'], timeZone: 'America/New_York', dst: { gap: 'skip' } },
        { daily: ['02:30'], timeZone: 'Asia/Tokyo', dst: { gap: 'shift' } },
      ],
      timeZone: 'America/New_York',
    });
    const schedule = compileSchedule(normalizeSchedule(spec, { now: START, timeZone: 'UTC' }));
    const ticks = enumerate(schedule, Date.UTC(2030, 2, 9, 12), 4).map((tick) => new Date(tick).toISOString());
    // on 10 March New York has no 02:30
    expect(ticks).toEqual([
      '2030-03-09T17:30:00.000Z',
      '2030-03-10T17:30:00.000Z',
      '2030-03-11T06:30:00.000Z',
      '2030-03-11T17:30:00.000Z',
    ]);
  });

  it('what the whole excludes holds for all, what a part excludes for it alone', () => {
    const spec: ScheduleSpec = {
      anyOf: [{ daily: '09:00', except: '2030-05-02' }, { daily: '18:00' }],
      except: '2030-05-03',
    };
    const schedule = compileSchedule(normalizeSchedule(spec, { now: START, timeZone: 'UTC' }));
    const ticks = enumerate(schedule, Date.UTC(2030, 4, 1), 6).map((tick) => new Date(tick).toISOString().slice(5, 13));
    expect(ticks).toEqual(['05-01T09', '05-01T18', '05-02T18', '05-04T09', '05-04T18', '05-05T09']);
  });

  it('tells what is special about a tick, by the part that names it', () => {
    const schedule = compileSchedule(
      normalizeSchedule({ anyOf: [{ every: '1h' }, { daily: '02:30' }] }, { now: START, timeZone: 'America/New_York' }),
    );
    expect(schedule.noteOn!(Date.UTC(2030, 2, 10, 7, 30))).toContain('02:30');
    expect(schedule.noteOn!(Date.UTC(2030, 2, 11, 6, 30))).toBeUndefined();
    expect(schedule.describe()).toBe('every 1h; daily at 02:30 in America/New_York');
  });
});
