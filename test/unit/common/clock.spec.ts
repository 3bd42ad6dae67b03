import { describe, expect, it } from '@jest/globals';
import { sleep, systemClock, TIMED_OUT, withTimeout } from '../../../lib/core/common/clock.js';
import { ManualClock } from './manual-clock.js';

async function stateOf(promise: Promise<unknown>): Promise<string> {
  const pending = Symbol('pending');
  const settled = await Promise.race([
    promise.then(() => 'resolved').catch(() => 'rejected'),
    Promise.resolve(pending),
  ]);
  return settled === pending ? 'pending' : String(settled);
}

describe('sleep', () => {
  it('ends when its time has come, not before', async () => {
    const clock = new ManualClock();
    const sleeping = sleep(clock, 1_000);
    await clock.advance(999);
    expect(await stateOf(sleeping)).toBe('pending');
    await clock.advance(1);
    await sleeping;
    expect(clock.armed).toBe(0);
  });

  it('ends at once when the signal aborts, and leaves no timer', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 1_000, controller.signal);
    controller.abort(new Error('stop'));
    await sleeping;
    expect(clock.armed).toBe(0);
  });

  it('does not begin when the signal has aborted', async () => {
    const clock = new ManualClock();
    await sleep(clock, 1_000, AbortSignal.abort());
    expect(clock.armed).toBe(0);
  });
});

describe('withTimeout', () => {
  it('passes the value on and gives the timer back', async () => {
    const clock = new ManualClock();
    expect(await withTimeout(clock, Promise.resolve(5), 1_000)).toBe(5);
    await clock.advance(0);
    expect(clock.armed).toBe(0);
  });

  it('passes the failure on', async () => {
    await expect(withTimeout(new ManualClock(), Promise.reject(new Error('no')), 1_000)).rejects.toThrow('no');
  });

  it('says timeout, and a late failure disturbs nobody', async () => {
    const clock = new ManualClock();
    let fail!: (error: Error) => void;
    const late = withTimeout(clock, new Promise<never>((_resolve, reject) => (fail = reject)), 1_000);
    await clock.advance(1_000);
    expect(await late).toBe(TIMED_OUT);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    fail(new Error('late'));
    await clock.advance(0);
    await clock.advance(0);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('the clock of the machine', () => {
  it('calls once, later, and not when disposed', async () => {
    const calls: string[] = [];
    await new Promise<void>((resolve) => {
      const disposed = [systemClock.setTimer(0, () => calls.push('a')), systemClock.setTimer(1, () => calls.push('b'))];
      for (const timer of disposed) timer.dispose();
      systemClock.setTimer(0, () => calls.push('soon'));
      systemClock.setTimer(5, () => (calls.push('later'), resolve()));
      expect(calls).toEqual([]);
    });
    expect(calls).toEqual(['soon', 'later']);
  });

  it('never goes back, and does not take a long wait for a short one', () => {
    const before = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    let called = false;
    const timer = systemClock.setTimer(2 ** 33, () => (called = true));
    timer.dispose();
    expect(called).toBe(false);
  });
});
