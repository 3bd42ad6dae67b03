import { RegistryUnavailableError, wholeError } from '../../core/registry/registry-errors.js';
import type { Write, WriteResult } from '../../core/registry/registry.js';
import { entryOf } from './etcd-document.js';
import type { Era } from './etcd-era.js';
import { isLeaseNotFound } from './etcd-errors.js';
import type { Compare, KeyValue, RequestOp, ResponseOp } from './etcd-messages.js';
import type { EtcdStore } from './etcd-store.js';

/** The servers take 128 operations (`--max-txn-ops`), counted over both levels: two guard era and session, one is inside. */
const TRANSACTION_WRITES = 125;
/** The servers take 1.5 MiB (`--max-request-bytes`). */
const TRANSACTION_BYTES = 1_280 * 1024;
/** Around each write, its key apart, which goes over the wire three times. */
const WRITE_BYTES = 64;
/** Enough to keep the servers busy over a slow network, few enough for each to be answered in time. */
const TRANSACTIONS_AT_ONCE = 8;
/** No lease has this id. */
const NO_LEASE = '-1';

/** Writes of different documents, all bound to the same session or to none, and all with a condition or without. */
interface Batch {
  readonly session: string | undefined;
  readonly positions: number[];
  bytes: number;
}

/**
 * Sends each write as a transaction of its own, packed into an outer one that guards the era. An outer one must not
 * write a key twice, so the second writes of documents go after the first ones, and so on. Writes bound to a session
 * have an outer one of their own, because the server refuses it as a whole when the session is over. So have those
 * without a condition, which it refuses when its quota is reached, while it takes the others, which are nested deeper.
 */
export class EtcdCommitter {
  constructor(private readonly store: EtcdStore) {}

  async commit(writes: readonly Write[]): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    const failures: unknown[] = [];
    let isPartlyDone = false;
    for (const wave of wavesOf(writes)) {
      const batches = batchesOf(wave, writes).values();
      const sendSome = async (): Promise<void> => {
        for (const batch of batches) {
          if (failures.length > 0) return;
          await this.send(batch, writes, results).then(
            () => (isPartlyDone = true),
            (error: unknown) => failures.push(error),
          );
        }
      };
      await Promise.all(Array.from({ length: TRANSACTIONS_AT_ONCE }, sendSome));
      if (failures.length > 0) throw wholeError(failures[0], isPartlyDone || failures.some(mayBeDone));
    }
    return results;
  }

  private async send(batch: Batch, writes: readonly Write[], results: WriteResult[]): Promise<void> {
    const own = batch.positions.map((at) => writes[at]!);
    const { session } = batch;
    const { era, revision, responses } = await this.store
      .transact((current) => [
        ...own.map((write) => this.operationOf(write, current)),
        ...(session !== undefined && own.some(isDelete) ? [this.proofOf(session, current)] : []),
      ])
      .catch((error: unknown) => {
        if (session !== undefined && isLeaseNotFound(error)) return this.read(own);
        throw error;
      });
    own.forEach((write, i) => {
      results[batch.positions[i]!] = this.resultOf(write, responses[i]!, era, revision);
    });
  }

  /** In place of writes that were refused because their session is over: where the condition failed, that is told. */
  private read(writes: readonly Write[]): ReturnType<EtcdStore['transact']> {
    return this.store.transact(() => writes.map(({ key }) => this.range(key)));
  }

  private operationOf({ key: document, value, session, if: condition }: Write, era: Era): RequestOp {
    const key = this.store.layout.keyOf(document);
    const lease = session === undefined ? undefined : leaseOf(session, era);
    const operation: RequestOp =
      value === undefined
        ? { requestDeleteRange: { key } }
        : { requestPut: { key, value: Buffer.from(value), ...(lease !== undefined && { lease }) } };
    if (condition === undefined) return operation;
    const failure = [this.range(document)];
    const revision = condition === 'absent' ? '0' : era.numberIn(condition);
    // A revision of an earlier era names nothing: the condition has failed.
    if (revision === undefined) return failure[0]!;
    const compare: Compare =
      condition === 'absent'
        ? { target: 'CREATE', key, createRevision: revision }
        : { target: 'MOD', key, modRevision: revision };
    return { requestTxn: { compare: [compare], success: [operation], failure } };
  }

  /** Deletions carry no lease, so something else that is bound to it goes with them: nested, as no quota refuses it. */
  private proofOf(session: string, era: Era): RequestOp {
    const put = { key: this.store.layout.proofKey, value: Buffer.alloc(0), lease: leaseOf(session, era) };
    return { requestTxn: { compare: [], success: [{ requestPut: put }] } };
  }

  private range(document: string): RequestOp {
    return { requestRange: { key: this.store.layout.keyOf(document) } };
  }

  private resultOf(write: Write, response: ResponseOp, era: Era, revision: string): WriteResult {
    const { responseTxn, responseRange } = response;
    const range = responseRange ?? (responseTxn?.succeeded === false ? responseTxn.responses[0]!.responseRange : null);
    if (!range) return { ok: true, revision: era.nameOf(revision), token: era.tokenAt(revision) };
    const found = range.kvs[0];
    if (write.session !== undefined && holds(write, found, era)) return { ok: false, sessionExpired: true };
    return found ? { ok: false, current: entryOf(found, era, this.store.layout) } : { ok: false };
  }
}

/** First writes of documents, second writes, and so on: each wave names a document once. */
function wavesOf(writes: readonly Write[]): number[][] {
  const waves: number[][] = [];
  const counts = new Map<string, number>();
  writes.forEach(({ key }, at) => {
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    (waves[count] ??= []).push(at);
  });
  return waves;
}

/** Those with a condition come first: claims are not to wait behind history that may be refused. */
function batchesOf(wave: readonly number[], writes: readonly Write[]): Batch[] {
  const conditional = wave.filter((at) => writes[at]!.if !== undefined);
  const others = wave.filter((at) => writes[at]!.if === undefined);
  return [...packed(conditional, writes), ...packed(others, writes)];
}

function packed(positions: readonly number[], writes: readonly Write[]): Batch[] {
  const batches: Batch[] = [];
  const filling = new Map<string | undefined, Batch>();
  for (const at of positions) {
    const { key, value = '', session } = writes[at]!;
    const bytes = 3 * Buffer.byteLength(key) + Buffer.byteLength(value) + WRITE_BYTES;
    let batch = filling.get(session);
    if (!batch || batch.positions.length === TRANSACTION_WRITES || batch.bytes + bytes > TRANSACTION_BYTES) {
      batch = { session, positions: [], bytes: 0 };
      batches.push(batch);
      filling.set(session, batch);
    }
    batch.positions.push(at);
    batch.bytes += bytes;
  }
  return batches;
}

function holds({ if: condition }: Write, found: KeyValue | undefined, era: Era): boolean {
  if (condition === undefined) return true;
  return condition === 'absent' ? !found : found !== undefined && era.nameOf(found.modRevision) === condition;
}

const isDelete = ({ value }: Write): boolean => value === undefined;
const leaseOf = (session: string, era: Era): string => era.numberIn(session) ?? NO_LEASE;
const mayBeDone = (error: unknown): boolean => error instanceof RegistryUnavailableError && error.outcomeUnknown;
