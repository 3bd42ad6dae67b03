import { sleep, type Clock } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { RegistryUnavailableError } from './registry-errors.js';
import type { Entry, Revision, Write, WriteResult } from './registry.js';

/** What to do with a document, decided from what stands there: replace it, remove it, or leave it as it is. */
export type Decision<T> = { write: string; result: T } | { remove: true; result: T } | { keep: T };

export interface DocumentPort {
  read(key: string): Promise<Entry | undefined>;
  commit(write: Write): Promise<WriteResult>;
}

export interface UpdateOptions {
  clock: Clock;
  /** What is believed to stand there; `'unread'` asks the registry first. Being wrong costs one conflict. */
  known: Entry | undefined | 'unread';
  /** Asked after each failure of the registry; `false` gives up and rejects with that failure. */
  again: () => boolean;
}

/** The document as it stands after the update, as far as this node knows. */
export interface Updated<T> {
  result: T;
  entry: Entry | undefined;
}

/** Losing so often in a row means that somebody writes without pause. */
const MAX_CONFLICTS = 50;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 2_000;

/**
 * The one way in which the library changes a document that others change too: decide from its current version, write
 * on the condition that it still is that version, and decide again where it is not.
 *
 * `decide` must be pure and must recognise its own effect. After a write whose outcome is unknown the document is read
 * again. If it changed, that write has been applied or never will be, and `decide` sees which. If it did not change,
 * the request may still be under way, and nothing is believed before another conditional write has gone through: the
 * decision itself, or the same content once more where nothing is to be written. After that the late one must fail.
 */
export async function updateDocument<T>(
  port: DocumentPort,
  key: string,
  decide: (entry: Entry | undefined) => Decision<T>,
  { clock, known, again }: UpdateOptions,
): Promise<Updated<T>> {
  let entry = known;
  let suspect: Revision | 'absent' | undefined; // what the write of unknown outcome was conditional on
  let conflicts = 0;
  for (let failures = 0; ;) {
    let written: Revision | 'absent' | undefined;
    try {
      if (entry === 'unread') entry = await port.read(key);
      const base: Revision | 'absent' = entry?.revision ?? 'absent';
      if (suspect !== base) suspect = undefined;
      const decision = decide(entry);
      const keeps = 'keep' in decision;
      if (keeps && (suspect === undefined || entry === undefined)) return { result: decision.keep, entry };
      const value = keeps ? entry!.value : 'write' in decision ? decision.write : undefined;
      if (value === undefined && entry === undefined) return { result: (decision as { result: T }).result, entry };
      written = base;
      const outcome = await port.commit(value === undefined ? { key, if: base } : { key, value, if: base });
      if (outcome.ok) {
        const { revision, token } = outcome;
        entry = value === undefined ? undefined : { key, value, revision, token };
        if (!keeps) return { result: decision.result, entry };
        suspect = undefined;
      } else {
        entry = outcome.current;
        if (++conflicts > MAX_CONFLICTS) throw tooManyConflicts(key);
      }
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError)) throw error;
      if (error.outcomeUnknown && written !== undefined) suspect = written;
      if (!again()) throw error;
      entry = 'unread';
      await sleep(clock, Math.min(FIRST_BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS));
      if (!again()) throw error;
    }
  }
}

function tooManyConflicts(key: string): DistributedScheduleError {
  const message = `${key} changed ${MAX_CONFLICTS} times while it was to be written; somebody writes it without pause. Try again later`;
  return new DistributedScheduleError('CLAIM_CONFLICT', message, { retryable: true });
}
