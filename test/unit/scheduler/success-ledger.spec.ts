import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import {
  ledgerOf,
  MOST_GAPS,
  type SuccessLedger,
  unsuccessfulFrom,
  withGap,
  withSuccess,
} from '../../../lib/core/scheduler/success-ledger.js';
import { tickList } from '../schedule/tick-list.js';

const KEY = 'one';
const START = 1_000;

/** A unit, as far as its ledger goes, and beside it what it is to know: which ticks have had a success. */
class Twin {
  ledger: SuccessLedger = { schedule: KEY, since: START, gaps: [] };
  cursor = START;
  since = START;
  readonly running = new Set<number>();
  private readonly good = new Set<number>();

  constructor(private readonly schedule: Schedule) {}

  /** As at each claim and each skip. */
  private touch(): void {
    const { schedule, cursor, since, ledger } = this;
    this.ledger = ledgerOf({ cursor, ledger }, { schedule, scheduleKey: KEY, doc: { since } });
  }

  private following(count: number): number[] {
    const ticks: number[] = [];
    for (let i = 0, after = Math.max(this.cursor, this.since); i < count; i++) {
      const tick = this.schedule.next(after);
      if (tick === undefined) break;
      ticks.push((after = tick));
    }
    return ticks;
  }

  claim(): void {
    const [tick] = this.following(1);
    if (tick === undefined) return;
    this.touch();
    this.running.add((this.cursor = tick));
  }

  skip(count: number): void {
    const ticks = this.following(count);
    if (ticks.length === 0) return;
    this.touch();
    this.ledger = withGap(this.ledger, ticks[0]!, ticks.at(-1)!);
    this.cursor = ticks.at(-1)!;
  }

  /** The task is halted, and goes on somewhat later. */
  halt(ms: number): void {
    this.since = Math.max(this.cursor, this.since) + ms;
  }

  end(nth: number, succeeded: boolean): void {
    const tick = [...this.running][nth % Math.max(1, this.running.size)];
    if (tick === undefined) return;
    this.running.delete(tick);
    this.note(tick, succeeded);
  }

  /** A backfill of the `nth` tick without a success. */
  again(nth: number, succeeded: boolean): void {
    const open = this.expected();
    const tick = open[nth % Math.max(1, open.length)];
    if (tick === undefined) return;
    this.touch(); // its claim
    this.note(tick, succeeded);
  }

  private note(tick: number, succeeded: boolean): void {
    if (succeeded) this.good.add(tick);
    this.ledger = succeeded ? withSuccess(this.ledger, tick) : withGap(this.ledger, tick, tick);
  }

  /** All settled ticks without a success, of runs that go on too. */
  private all(): number[] {
    const ticks: number[] = [];
    const last = Math.max(this.cursor, this.since);
    for (let tick = this.schedule.next(START); tick !== undefined && tick <= last; tick = this.schedule.next(tick))
      ticks.push(tick);
    return ticks;
  }

  expected(): number[] {
    return this.all().filter((tick) => !this.good.has(tick) && !this.running.has(tick));
  }

  /** What a backfill finds, as it looks for it. */
  found(): number[] {
    const { schedule, cursor, since } = this;
    const ledger = ledgerOf({ cursor, ledger: this.ledger }, { schedule, scheduleKey: KEY, doc: { since } });
    const last = Math.max(cursor, since);
    const ticks: number[] = [];
    for (let after = START; ;) {
      const tick = schedule.next(after);
      if (tick === undefined || tick > last) return ticks.filter((found) => !this.running.has(found));
      const candidate = unsuccessfulFrom(ledger, tick, last);
      if (candidate === tick) ticks.push(tick);
      after = Math.max(tick, candidate - 1);
    }
  }

  /** Ticks without a success in a row, of those up to `found`. */
  stretches(): number {
    const bad = new Set(this.expected());
    return this.all().filter((tick, i, all) => bad.has(tick) && !bad.has(all[i - 1]!)).length;
  }
}

type Move = (twin: Twin) => void;

const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Move>((twin) => twin.claim()) },
  { weight: 5, arbitrary: fc.nat(9).map<Move>((nth) => (twin) => twin.end(nth, true)) },
  { weight: 4, arbitrary: fc.nat(9).map<Move>((nth) => (twin) => twin.end(nth, false)) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }).map<Move>((count) => (twin) => twin.skip(count)) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(20), fc.boolean()).map<Move>(
      ([n, ok]) =>
        (twin) =>
          twin.again(n, ok),
    ),
  },
);

const halts = fc.nat(60).map<Move>((ms) => (twin) => twin.halt(ms));

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.integer({ min: 10, max: 25 }).map((every) => intervalSchedule(every, START - 7)),
  fc.array(fc.integer({ min: START - 50, max: START + 3_000 }), { maxLength: 200 }).map((ticks) => tickList(ticks)),
);

function isSound({ gaps, since }: SuccessLedger): boolean {
  return gaps.every(([from, to], i) => from <= to && from > (gaps[i - 1]?.[1] ?? since));
}

describe('The ledger of successes', () => {
  it('knows each tick without a success, and no other, in whatever order runs end', () => {
    fc.assert(
      fc.property(
        schedules,
        fc.array(fc.oneof({ weight: 20, arbitrary: moves }, { weight: 1, arbitrary: halts }), { maxLength: 60 }),
        (schedule, all) => {
          const twin = new Twin(schedule);
          for (const move of all) {
            move(twin);
            if (twin.stretches() > MOST_GAPS) return;
            expect({ sound: isSound(twin.ledger), found: twin.found() }).toEqual({
              sound: true,
              found: twin.expected(),
            });
          }
        },
      ),
      { numRuns: 600 },
    );
  });

  it('forgets only what lies before the fiftieth gap back, and never takes a success for none', () => {
    fc.assert(
      fc.property(fc.array(moves, { minLength: 150, maxLength: 500 }), (all) => {
        const twin = new Twin(intervalSchedule(10, START));
        let most = 0;
        for (const move of all) {
          move(twin);
          most = Math.max(most, twin.stretches());
        }
        const [expected, found] = [twin.expected(), twin.found()];
        expect(isSound(twin.ledger)).toBe(true);
        expect(twin.ledger.gaps.length).toBeLessThanOrEqual(MOST_GAPS);
        expect(found).toEqual(expected.slice(expected.length - found.length));
        if (most <= MOST_GAPS) expect(found).toEqual(expected);
        else expect(found.length).toBeGreaterThanOrEqual(MOST_GAPS - 1);
      }),
      { numRuns: 150, endOnFailure: true },
    );
  });

  it('of every second tick that failed it knows the last fifty', () => {
    const twin = new Twin(intervalSchedule(10, START));
    for (let i = 0; i < 400; i++) {
      twin.claim();
      twin.end(0, i % 2 === 0);
    }
    expect(twin.found()).toEqual(twin.expected().slice(-MOST_GAPS));
  });

  it('of one long stretch that is made good tick by tick it forgets nothing before it', () => {
    const twin = new Twin(intervalSchedule(10, START));
    twin.claim();
    twin.end(0, false);
    twin.claim();
    twin.end(0, true);
    twin.skip(200);
    for (let i = 0; i < 199; i++) twin.again(1, true);
    expect(twin.found()).toEqual(twin.expected());
    expect(twin.expected()).toHaveLength(2);
  });

  it('stays small, and as quick, after a year of failures here and there', () => {
    const twin = new Twin(intervalSchedule(10, START));
    for (let i = 0; i < 2_000; i++) {
      twin.claim();
      twin.end(0, i % 7 !== 0);
    }
    expect(JSON.stringify(twin.ledger).length).toBeLessThan(2_000);
  });

  it('knows nothing of the ticks of another schedule', () => {
    const schedule = intervalSchedule(10, START);
    const before: SuccessLedger = { schedule: 'other', since: 0, gaps: [[10, 20]], last: 5 };
    expect(ledgerOf({ cursor: 500, ledger: before }, { schedule, scheduleKey: KEY, doc: { since: 700 } })).toEqual({
      schedule: KEY,
      since: 700,
      gaps: [],
    });
  });

  it('is told of what fell due during a halt as often as it may be', () => {
    const schedule = intervalSchedule(10, START);
    const task = { schedule, scheduleKey: KEY, doc: { since: START + 55 } };
    const once = ledgerOf({ cursor: START, ledger: { schedule: KEY, since: START, gaps: [] } }, task);
    expect(once.gaps).toEqual([[START + 10, START + 55]]);
    expect(ledgerOf({ cursor: START, ledger: once }, task)).toEqual(once);
    const better = withSuccess(once, START + 10);
    expect(ledgerOf({ cursor: START, ledger: better }, task)).toEqual(better);
  });
});
