import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '../../lib/core/common/clock.js';
import { Timeline } from '../../lib/core/scheduler/timeline.js';
import { DAY, HOUR, MINUTE, once, SECOND, type Specimen } from './time-itself/kinds.js';
import { PlainClock } from './time-itself/plain-clock.js';
import { Trial, type Effort } from './time-itself/trial.js';

/** Days pass in moments; on a busy machine in more of them. */
jest.setTimeout(60_000);

const LIMIT_MS = 2 ** 31;
const TEN_YEARS_MS = 3_652 * DAY + 5 * HOUR + 12_345;
const START = Date.UTC(2030, 4, 10, 8, 28);

describe('An appointment far ahead', () => {
  it.each([
    ['just within what a timer of Node can do', LIMIT_MS - 1],
    ['2^31 ms ahead', LIMIT_MS],
    ['one ms more', LIMIT_MS + 1],
    ['60 days ahead', 60 * DAY],
    ['10 years ahead', TEN_YEARS_MS],
  ])('%s is kept once and on time, with a timer a minute', (_, aheadMs) => {
    const clock = new PlainClock(START);
    const kept: number[] = [];
    new Timeline(clock).at(START + aheadMs, () => kept.push(clock.now()));
    clock.pass(aheadMs + DAY);
    expect(kept).toEqual([START + aheadMs]);
    expect(clock.longestMs).toBeLessThanOrEqual(MINUTE);
    expect(clock.set).toBe(Math.ceil(aheadMs / MINUTE));
  });

  it('is kept whatever the wall clock does: never early, and within a minute of when it shows the instant', () => {
    const steps = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: 3 * DAY }), by: fc.integer({ min: -2 * DAY, max: 2 * DAY }) }),
      { maxLength: 6 },
    );
    const property = fc.property(fc.integer({ min: 1, max: 2 * DAY }), steps, (aheadMs, taken) => {
      const clock = new PlainClock(START);
      clock.curve = (elapsed) => taken.reduce((sum, { at, by }) => sum + (elapsed >= at ? by : 0), 0);
      const kept: number[] = [];
      new Timeline(clock).at(START + aheadMs, () => kept.push(clock.monotonic()));
      clock.pass(20 * DAY);
      const [at] = kept;
      expect(kept).toHaveLength(1);
      expect(clock.shownAt(at!)).toBeGreaterThanOrEqual(START + aheadMs);
      expect(at! - shownSince(clock, START + aheadMs, at!, taken)).toBeLessThanOrEqual(MINUTE);
      expect(clock.set).toBeLessThanOrEqual(at! / MINUTE + taken.length + 2);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('right behind a moment at which the clock stands still is looked for each millisecond at most', () => {
    const clock = new PlainClock(START);
    clock.curve = (elapsed) => -Math.min(Math.max(elapsed - (MINUTE - 1), 0), SECOND); // at 59.999
    const kept: number[] = [];
    new Timeline(clock).at(START + MINUTE, () => kept.push(clock.monotonic()));
    clock.pass(DAY);
    expect(kept).toEqual([MINUTE + SECOND]);
    expect(clock.set).toBeLessThanOrEqual(SECOND + 3);
  });

  it('is waited for in peace while the clock is thrown about by a second ten times a second', () => {
    const clock = new PlainClock(START);
    clock.curve = (elapsed) => (Math.floor(elapsed / 100) % 2 === 0 ? 0 : SECOND);
    const kept: number[] = [];
    new Timeline(clock).at(START + 10 * MINUTE, () => kept.push(clock.monotonic()));
    clock.pass(DAY);
    expect(kept).toHaveLength(1);
    expect(Math.abs(kept[0]! - 10 * MINUTE)).toBeLessThanOrEqual(SECOND);
    expect(clock.set).toBeLessThanOrEqual(40);
  });
});

/** Since when, up to `until`, the clock has shown `instant` or later without a break. */
function shownSince(clock: PlainClock, instant: number, until: number, steps: readonly { at: number }[]): number {
  const bends = [0, ...steps.map(({ at }) => at)].filter((at) => at <= until).sort((a, b) => b - a);
  let since = until;
  for (const bend of bends) {
    const reached = bend + Math.max(0, instant - clock.shownAt(bend)); // from one bend to the next it goes on evenly
    if (reached > since) return since;
    since = reached;
    if (reached > bend) return since;
  }
  return since;
}

describe('A task far ahead', () => {
  let trial: Trial;
  afterEach(() => trial.cluster.stop());

  const SLOW = { ttlMs: HOUR, heartbeatMs: 20 * MINUTE, resyncMs: 30 * MINUTE };
  const specimen = (name: string, aheadMs: number): Specimen => {
    const at = START + aheadMs;
    return { name, kind: once(name, at), misfire: 'fire-once', deadlineMs: 5 * MINUTE };
  };
  const AHEAD = [
    specimen('25-days', LIMIT_MS + 12_345),
    specimen('60-days', 60 * DAY + 12_345),
    specimen('10-years', TEN_YEARS_MS),
  ];

  /** A timer a minute behind the appointments, two for each heartbeat, one for each resync. */
  function expectPeace(before: Effort, after: Effort, nodes: number): void {
    const spent = after.at - before.at;
    const alarms = nodes * (spent / MINUTE + 10);
    expect(after.alarms - before.alarms).toBeLessThanOrEqual(alarms);
    const others = nodes * ((2 * spent) / SLOW.heartbeatMs + spent / SLOW.resyncMs + 10);
    expect(after.timers - before.timers).toBeLessThanOrEqual(alarms + others);
    expect(after.calls - before.calls).toBeLessThanOrEqual(
      nodes * ((2 * spent) / SLOW.heartbeatMs + (16 * spent) / SLOW.resyncMs + 50),
    );
  }

  const starts = (): object => Object.fromEntries(trial.starts.map(({ task, at }) => [task, at - START]));

  it.each([1, 3])('starts on time, once, and %i nodes are at peace until then', async (nodes) => {
    trial = await Trial.begin({ nodes, tells: true, start: START - SECOND, cluster: SLOW });
    await trial.add(AHEAD);
    await trial.cluster.advance('1m');
    const before = trial.effort();
    await trial.until(START + 61 * DAY);
    expectPeace(before, trial.effort(), nodes);
    expect(starts()).toEqual({ '25-days': LIMIT_MS + 12_345, '60-days': 60 * DAY + 12_345 });
    expect(trial.problems()).toEqual([]);
  });

  it.each(['counts', 'stands'] as const)(
    'starts on time after ten years asleep, on a monotonic clock that %s',
    async (monotonic) => {
      trial = await Trial.begin({ nodes: 3, tells: true, start: START - SECOND, cluster: SLOW });
      await trial.add([AHEAD[2]!]);
      await trial.sleep(START + TEN_YEARS_MS - DAY, { monotonic });
      await trial.cluster.advance('1h');
      const before = trial.effort();
      await trial.until(START + TEN_YEARS_MS + MINUTE);
      expectPeace(before, trial.effort(), 3);
      expect(starts()).toEqual({ '10-years': TEN_YEARS_MS });
      expect(trial.problems()).toEqual([]);
    },
  );
});

describe('The clock of the machine', () => {
  afterEach(() => void jest.useRealTimers());

  it('keeps a timer of more than 2^31 ms, as for a timeout of 30 days, until its time has come', () => {
    jest.useFakeTimers();
    let rung = 0;
    systemClock.setTimer(30 * DAY, () => rung++);
    jest.advanceTimersByTime(30 * DAY - 1);
    expect(rung).toBe(0);
    jest.advanceTimersByTime(1);
    expect(rung).toBe(1);
  });
});
