import { RegistryUnavailableError, wholeError, withOutcome } from '../../core/registry/registry-errors.js';
import type { Write, WriteResult } from '../../core/registry/registry.js';
import { isOf, revisionOf, tokenOf, versionOf } from './consul-document.js';
import type { ConsulEra, Era } from './consul-era.js';
import type { ConsulLayout } from './consul-keys.js';
import type { ConsulReader } from './consul-list.js';
import {
  cas,
  checkAbsent,
  checkIndex,
  lock,
  remove,
  set,
  TXN_BYTES,
  TXN_OPS,
  unexpected,
  type Op,
} from './consul-txn.js';

/** Next to the three steps that guard a transaction and the one that marks it. */
const OPS = TXN_OPS - 4;
/** What a step takes next to key and value, and what the guard takes, generously. */
const OP_BYTES = 160;
const BYTES = TXN_BYTES - 2_000;
const PARALLEL = 8;
/** Losing so often to documents that are gone each time one looks means that somebody creates and deletes without pause. */
const ROUNDS = 20;

const SESSION_OVER = /invalid session|failed session lookup/;

/** A write on its way, and the steps it takes in an era; none where its condition has failed already. */
interface Job {
  readonly at: number;
  readonly write: Write;
  plan?: { readonly era: Era; readonly ops: readonly Op[] };
}

/**
 * Sends the writes in transactions of up to 60 steps. Consul does all of a transaction or nothing, and then names the
 * steps that failed: those writes have lost, and the others are sent again without them. Transactions go at the same
 * time, except that the writes of one document follow each other.
 */
export class ConsulCommitter {
  constructor(
    private readonly era: ConsulEra,
    private readonly reader: ConsulReader,
    private readonly layout: ConsulLayout,
  ) {}

  async commit(writes: readonly Write[]): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    const progress = { someDone: false };
    try {
      for (const round of roundsOf(writes)) {
        const parts = this.partsOf(round);
        await inParallel(parts, (part) => this.commitPart(part, results, progress));
      }
    } catch (error) {
      throw wholeError(error, progress.someDone);
    }
    return results;
  }

  /** As few transactions as the limits allow. */
  private partsOf(jobs: readonly Job[]): Job[][] {
    const parts: Job[][] = [];
    let [ops, bytes] = [0, 0];
    for (const job of jobs) {
      const steps = this.planOf(job, this.era.current);
      const needs = steps.length;
      const takes = steps.reduce(
        (sum, { KV }) => sum + OP_BYTES + 2 * Buffer.byteLength(KV.Key) + (KV.Value?.length ?? 0),
        0,
      );
      if (parts.length === 0 || ops + needs > OPS || bytes + takes > BYTES) {
        parts.push([]);
        [ops, bytes] = [0, 0];
      }
      parts.at(-1)!.push(job);
      [ops, bytes] = [ops + needs, bytes + takes];
    }
    return parts;
  }

  private async commitPart(
    part: readonly Job[],
    results: WriteResult[],
    progress: { someDone: boolean },
  ): Promise<void> {
    let left = part;
    for (let round = 0; left.length > 0; round++) {
      if (round === ROUNDS) throw neverSettles(left[0]!.write.key);
      const lost = await this.tryAll(left, results, progress);
      const keys = lost.map(({ write }) => write.key);
      const current = await this.reader.getMany(keys, true).catch((error: unknown) => {
        throw withOutcome(error, false); // That they have lost is known.
      });
      // What it lost to may be gone again. Then it has not lost.
      left = lost.filter(({ write }) => write.if === 'absent' && !current.has(write.key));
      for (const { at, write } of lost) {
        const entry = current.get(write.key);
        results[at] = entry ? { ok: false, current: entry } : { ok: false };
      }
    }
  }

  private planOf(job: Job, era: Era): readonly Op[] {
    if (job.plan?.era !== era) job.plan = { era, ops: opsFor(job.write, era, this.layout) };
    return job.plan.ops;
  }

  /** Does those that can be done and returns those whose conditions failed. */
  private async tryAll(jobs: readonly Job[], results: WriteResult[], progress: { someDone: boolean }): Promise<Job[]> {
    const lost: Job[] = [];
    for (let left = [...jobs]; left.length > 0;) {
      let owners: Job[] = [];
      if (left.every((job) => this.planOf(job, this.era.current).length === 0)) return [...lost, ...left];
      const answer = await this.era.write((era) => {
        owners = [];
        return left.flatMap((job) => {
          const ops = this.planOf(job, era);
          owners.push(...ops.map(() => job));
          return ops;
        });
      });
      const { era } = answer;
      const sent = new Set(owners);
      lost.push(...left.filter((job) => !sent.has(job)));
      left = left.filter((job) => sent.has(job));
      if ('index' in answer) {
        progress.someDone = true;
        for (const { at, write } of left) {
          const bound = write.value === undefined ? undefined : write.session;
          results[at] = { ok: true, revision: revisionOf(era, answer.index, bound), token: tokenOf(era, answer.index) };
        }
        return lost;
      }
      const failed = failuresOf(answer.errors, owners);
      if (failed.size === 0) throw unexpected(answer.errors);
      for (const [job, reasons] of failed) {
        if (reasons.every((reason) => SESSION_OVER.test(reason))) results[job.at] = { ok: false, sessionExpired: true };
        else lost.push(job);
      }
      left = left.filter((job) => !failed.has(job));
    }
    return lost;
  }
}

/**
 * The steps of one write; none where its condition belongs to another era and has failed already.
 *
 * Consul's `set` leaves a bound document bound, and only the holder's session may bind it again; a document that is
 * deleted first, in the same transaction, is free. A revision tells whether that is necessary.
 */
function opsFor({ key, value, if: condition, session }: Write, era: Era, layout: ConsulLayout): Op[] {
  const place = layout.placeOf(key);
  const version = condition === undefined || condition === 'absent' ? undefined : versionOf(condition);
  if (condition !== undefined && condition !== 'absent' && !(version && isOf(era, version))) return [];
  if (condition !== undefined && value !== undefined && session === undefined && version?.session === undefined) {
    return [cas(place, version?.index ?? 0, value)];
  }
  const check = version ? [checkIndex(place, version.index)] : condition === 'absent' ? [checkAbsent(place)] : [];
  // Nothing to free where nothing stands, or where the same session takes it on.
  const mayStay = condition !== undefined && (version?.session ?? session) === session;
  const free = value !== undefined && mayStay ? [] : [remove(place)];
  if (session === undefined) return [...check, ...free, ...(value === undefined ? [] : [set(place, value)])];
  // A deletion on behalf of a session binds for an instant, which fails where the session is over.
  const bind = lock(place, session, value ?? '');
  return value === undefined ? [...check, ...free, bind, remove(place)] : [...check, ...free, bind];
}

/** The n-th writes of all documents together, for each n: a transaction must not depend on itself. */
function roundsOf(writes: readonly Write[]): Job[][] {
  const rounds: Job[][] = [];
  const seen = new Map<string, number>();
  writes.forEach((write, at) => {
    const round = seen.get(write.key) ?? 0;
    seen.set(write.key, round + 1);
    (rounds[round] ??= []).push({ at, write });
  });
  return rounds;
}

function failuresOf(errors: ReadonlyMap<number, string>, owners: readonly Job[]): Map<Job, string[]> {
  const failures = new Map<Job, string[]>();
  for (const [at, reason] of errors) {
    const job = owners[at];
    if (!job) continue;
    const reasons = failures.get(job);
    if (reasons) reasons.push(reason);
    else failures.set(job, [reason]);
  }
  return failures;
}

/** Stops at the first failure; what is under way then ends first. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failure) {
      await work(items[next++]!).catch((error: unknown) => {
        // One of unknown outcome says more than one that was never sent.
        if (!failure || (error instanceof RegistryUnavailableError && error.outcomeUnknown)) failure = { error };
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  if (failure) throw failure.error;
}

function neverSettles(key: string): RegistryUnavailableError {
  const message = `${key} is created and deleted without pause by somebody else.`;
  return new RegistryUnavailableError(message, { outcomeUnknown: false });
}
