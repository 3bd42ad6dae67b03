/** What is measured: the same few things, done by the library on one side and by a bare client on the other. */

/** The document of a unit, written where it still is what this client wrote last; or, at first, where there is none. */
export interface Claim {
  readonly key: string;
  readonly value: string;
  readonly revision: string | undefined;
}

/** Nobody else writes the keys of a client, so a claim that does not win is an error here. */
export interface BenchClient {
  /** @returns the new revision */
  claim(claim: Claim): Promise<string>;
  /** Many claims of different keys, each with an outcome of its own, in the way the store likes best. */
  claimAll(claims: readonly Claim[]): Promise<string[]>;
  /** An unconditional write that watchers are told of. */
  put(key: string, value: string): Promise<void>;
  /** Resolves once each `put` under the prefix from now on is seen. */
  watch(prefix: string, onValue: (value: string) => void): Promise<void>;
  close(): Promise<void>;
}

export function lost(key: string): never {
  throw new Error(`The claim of ${key} did not win, although nobody else writes it.`);
}
