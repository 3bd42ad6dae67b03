import type { Disposable } from './disposable.js';

/** An instant as UTC epoch milliseconds. */
export type EpochMs = number;

/**
 * The only source of time in the library. Wall time is for schedules and records; monotonic time is for
 * durations and trust, because an operator or NTP may step the wall clock at any moment.
 */
export interface Clock {
  /** Wall time. May jump in either direction. */
  now(): EpochMs;
  /** Milliseconds from an arbitrary origin; never goes back. */
  monotonic(): number;
  /** Calls `fn` once after `delayMs`. A delay of 0 means "in the next turn of the loop". */
  setTimer(delayMs: number, fn: () => void): Disposable;
}

/** Node keeps timer delays in 31 bits and turns longer ones into 1 ms, so no timer is ever armed for longer. */
export const LONGEST_TIMER_MS = 60_000;

/** What Node's own timers can do; a longer wait takes several. */
const LONGEST_DELAY_MS = 0x7fff_ffff;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, fn) {
    if (delayMs <= 0) {
      const immediate = setImmediate(fn);
      return { dispose: () => clearImmediate(immediate) };
    }
    let timer: NodeJS.Timeout;
    const wait = (restMs: number): void => {
      const leftMs = restMs - LONGEST_DELAY_MS;
      timer = leftMs > 0 ? setTimeout(() => wait(leftMs), LONGEST_DELAY_MS) : setTimeout(fn, restMs);
    };
    wait(delayMs);
    return { dispose: () => clearTimeout(timer) };
  },
};

/** Resolves after `delayMs`, or as soon as `signal` aborts. Never rejects: the caller looks at the signal. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      timer.dispose();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** `true` for so long: what is tried again and again until then. */
export function patience(clock: Clock, ms: number): () => boolean {
  const until = clock.monotonic() + ms;
  return () => clock.monotonic() < until;
}

/** What `withTimeout` gives when time ran out: no value of a promise is mistaken for it. */
export const TIMED_OUT: unique symbol = Symbol('timed out');

/** The promise's value, or `TIMED_OUT` after `timeoutMs`. The promise itself goes on. */
export function withTimeout<T>(clock: Clock, promise: Promise<T>, timeoutMs: number): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => resolve(TIMED_OUT));
    promise.then(resolve, reject).finally(() => timer.dispose());
  });
}
