import type { Registry } from '../../core/registry/registry.js';

/** The part of a test runner the suite uses. Jest, Vitest and the like fit as they are. */
export interface ConformanceRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>, timeoutMs?: number): void;
  expect(actual: unknown): Matchers;
}

export interface Matchers {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toBeUndefined(): void;
  toBeGreaterThan(expected: number | bigint): void;
  toBeGreaterThanOrEqual(expected: number | bigint): void;
  toBeLessThan(expected: number | bigint): void;
}

/** What the suite is run against. */
export interface ConformanceSubject {
  name: string;
  /** A client of the store, not connected. Every call gives another client of the same store. */
  create(): Promise<Registry> | Registry;
  /** The value the store itself holds under a key, read past the registry; undefined where there is none. */
  peek?(key: string): Promise<string | undefined>;
  /** What can be done to the connections of the clients that `create` gives. */
  faults?: ConformanceFaults;
  /** What the random rungs draw from. Another one on every run finds more; the name of the test tells it. @default 1 */
  seed?: number;
}

export interface ConformanceFaults {
  /** Resets every connection; new ones are let through. */
  cut(): Promise<void> | void;
  /** From now on nothing arrives, in neither direction, and nobody is told. */
  partition(): Promise<void> | void;
  /** From now on requests arrive and are carried out, and no reply comes back. */
  loseReplies(): Promise<void> | void;
  /** Ends a partition, or the loss of replies. */
  heal(): Promise<void> | void;
  /** A client that the faults do not touch. */
  direct(): Promise<Registry> | Registry;
}
