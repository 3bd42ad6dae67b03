import { describe, expect, it } from '@jest/globals';
import { ClusterClock } from '../../../lib/core/cluster/cluster-clock.js';
import type { Clock } from '../../../lib/core/common/clock.js';

const START = 1_800_000_000_000;

/** A machine, and a server whose clock is ahead of the machine's. Time passes where it is told to. */
function world(aheadMs: number, way: { resolutionMs?: number; roundTripMs?: number } = {}) {
  const { resolutionMs = 1 } = way;
  const time = { passed: 0, stepped: 0 };
  const base = {
    now: () => START + time.passed + time.stepped,
    monotonic: () => time.passed,
  } as Clock;
  const clock = new ClusterClock(base);
  const measure = (): Promise<void> =>
    clock.measure(async () => {
      const { roundTripMs = 4 } = way;
      time.passed += roundTripMs / 2;
      const server = Math.floor((START + aheadMs + time.passed) / resolutionMs) * resolutionMs;
      time.passed += roundTripMs / 2;
      return server;
    }, resolutionMs);
  return { clock, time, measure };
}

describe('The clock of a cluster', () => {
  it.each([0, 2, -2])('leaves a machine alone whose clock is %d ms off, which the way explains', async (aheadMs) => {
    const { clock, measure } = world(aheadMs);
    await measure();
    expect(clock.offsetMs).toBe(0);
  });

  it.each([700, -90_000])('follows a server that is %d ms ahead', async (aheadMs) => {
    const { clock, measure, time } = world(aheadMs);
    await measure();
    expect(Math.abs(clock.offsetMs - aheadMs)).toBeLessThanOrEqual(3);
    expect(Math.abs(clock.now() - (START + time.passed + aheadMs))).toBeLessThanOrEqual(4);
  });

  it('learns more from a quick answer than from a slow one, whichever comes first', async () => {
    for (const ways of [
      [900, 4],
      [4, 900],
    ]) {
      const options = { roundTripMs: 0 };
      const { clock, measure } = world(2_000, options);
      for (const way of ways) {
        options.roundTripMs = way;
        await measure();
      }
      expect(Math.abs(clock.offsetMs - 2_000)).toBeLessThanOrEqual(8);
    }
  });

  it('finds the time of a server that tells whole seconds, the better the oftener it asks', async () => {
    const { clock, measure, time } = world(90_300, { resolutionMs: 1_000 });
    const errors: number[] = [];
    for (let i = 0; i < 40; i++) {
      await measure();
      errors.push(Math.abs(clock.offsetMs - 90_300));
      time.passed += 2_730; // between two renewals, out of step with the seconds
    }
    expect(errors[0]).toBeLessThanOrEqual(505);
    expect(Math.max(...errors.slice(20))).toBeLessThan(150);
  });

  it('starts no correction from whole seconds alone', async () => {
    const { clock, measure, time } = world(0, { resolutionMs: 1_000 });
    for (let i = 0; i < 100; i++) {
      await measure();
      expect(clock.offsetMs).toBe(0);
      time.passed += 3_333;
    }
  });

  it('knows at once how far its own clock was stepped, also where the server tells whole seconds', async () => {
    const { clock, measure, time } = world(0, { resolutionMs: 1_000 });
    for (let i = 0; i < 40; i++) {
      await measure();
      time.passed += 2_730;
    }
    for (const stepped of [300, -400, 90_000]) {
      time.stepped = stepped;
      await measure();
      expect(Math.abs(clock.offsetMs + stepped)).toBeLessThan(150);
    }
  });

  it('believes the last answer where a clock was stepped', async () => {
    const { clock, measure, time } = world(0);
    await measure();
    time.stepped = 60_000;
    await measure();
    expect(Math.abs(clock.offsetMs + 60_000)).toBeLessThanOrEqual(3);
    time.stepped = 0;
    await measure();
    expect(clock.offsetMs).toBe(0);
  });

  it.each([60_000, -60_000])('goes on as if nothing had happened when it is stepped by %d ms', async (stepMs) => {
    const { clock, measure, time } = world(2_000);
    expect(clock.isInDoubt).toBe(true); // it was never measured
    await measure();
    expect(clock.isInDoubt).toBe(false);
    const before = clock.now();
    time.stepped = stepMs;
    time.passed += 1_000;
    expect(clock.isInDoubt).toBe(true);
    expect(clock.now()).toBe(before + 1_000);
    await measure();
    expect(clock.isInDoubt).toBe(false);
    expect(Math.abs(clock.now() - (START + time.passed + 2_000))).toBeLessThanOrEqual(4);
  });

  it('has only the time of the machine where nobody tells it', () => {
    const { clock, time } = world(0);
    time.stepped = 60_000;
    expect(clock.now()).toBe(START + 60_000);
  });
});
