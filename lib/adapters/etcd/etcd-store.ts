import type { Clock } from '../../core/common/clock.js';
import { RegistryUnavailableError, withOutcome } from '../../core/registry/registry-errors.js';
import type { EtcdConnection } from './etcd-connection.js';
import { Era } from './etcd-era.js';
import { isOtherHistory, transactionErrorOf } from './etcd-errors.js';
import type { EtcdLayout } from './etcd-keys.js';
import type { Compare, RangeRequest, RequestOp, ResponseOp } from './etcd-messages.js';

/** What a transaction gave, under the era it was carried out in. */
export interface Answer {
  readonly era: Era;
  /** Of the store, after the transaction; what it wrote has this revision. */
  readonly revision: string;
  /** One for each operation. */
  readonly responses: readonly ResponseOp[];
}

/** An era that keeps changing is no store to work with. */
const ATTEMPTS = 4;

/**
 * Sees to it that nothing is done under an era that is over. Every transaction begins with two conditions that the server
 * checks along with it: the era is still the one we know, and the store still has the newest revision we have seen. So
 * data that was lost or set back is noticed by the first request that meets it, before it does anything; the era is then
 * read again, or replaced where its tokens would not be above all that we have seen.
 *
 *   unknown --settle--> known --a condition fails--> settle --> known --> the transaction is built anew
 */
export class EtcdStore {
  private era: Era | undefined;
  /** The newest revision we know of in this era. */
  private seen = 0n;
  private settling: Promise<void> | undefined;

  constructor(
    private readonly connection: EtcdConnection,
    readonly layout: EtcdLayout,
    private readonly clock: Clock,
    /** Another era than the one known before: what was read or watched under that one is to be read again. */
    private readonly onNewEra: () => void,
  ) {}

  /** Carries out operations in one linearizable transaction. They are built again where the era has changed meanwhile. */
  async transact(operations: (era: Era) => RequestOp[]): Promise<Answer> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { era } = this;
      const answer = era && (await this.attempt(era, operations(era)));
      if (answer) return answer;
      await this.settle().catch((error: unknown) => {
        throw withOutcome(error, false);
      });
    }
    throw new RegistryUnavailableError('The data in etcd is being replaced again and again.', {
      outcomeUnknown: false,
    });
  }

  /** The store's revision now, in the era that is known when this resolves. The range shows what this user may read. */
  async head(range?: RangeRequest): Promise<bigint> {
    for (;;) {
      const { era, revision } = await this.transact(() => (range ? [{ requestRange: range }] : []));
      if (era === this.era) return BigInt(revision);
    }
  }

  /** Takes note of a revision that was seen in a watch. */
  saw(revision: bigint): void {
    if (revision > this.seen) this.seen = revision;
  }

  /** The era to read watched changes in. */
  get known(): Era {
    return this.era!;
  }

  private async attempt(era: Era, operations: RequestOp[]): Promise<Answer | undefined> {
    const { eraKey: key } = this.layout;
    const hasSeen: RequestOp = { requestRange: { key, revision: String(this.seen), countOnly: true } };
    const request = { compare: [this.isStill(era)], success: [hasSeen, ...operations] };
    const response = await this.connection.call('KV/Txn', request).catch((error: unknown) => {
      if (isOtherHistory(error)) return undefined;
      throw transactionErrorOf(error);
    });
    if (!response?.succeeded) return undefined;
    const { revision } = response.header!;
    if (era === this.era) this.saw(BigInt(revision));
    return { era, revision, responses: response.responses.slice(1) };
  }

  /** Makes sure that the era is known and its tokens are above all that we have seen. */
  private settle(): Promise<void> {
    return (this.settling ??= this.findEra().finally(() => (this.settling = undefined)));
  }

  private async findEra(): Promise<void> {
    const { eraKey: key } = this.layout;
    for (;;) {
      const { header, kvs } = await this.connection.call('KV/Range', { key });
      const revision = BigInt(header.revision);
      const found = kvs[0] && Era.read(kvs[0].value.toString(), key.toString());
      const highest = this.era?.tokenAt(this.seen) ?? 0n;
      if (found && found.tokenAt(revision) >= highest) return this.adopt(found, revision);
      const now = BigInt(Math.trunc(this.clock.now() * 1_000));
      const next = Era.begin(now > highest ? now : highest + 1n);
      const compare: Compare = found ? this.isStill(found) : { target: 'CREATE', key, createRevision: '0' };
      const success = [{ requestPut: { key, value: Buffer.from(next.text) } }];
      const response = await this.connection.call('KV/Txn', { compare: [compare], success });
      if (response.succeeded) return this.adopt(next, BigInt(response.header!.revision));
    }
  }

  private adopt(era: Era, revision: bigint): void {
    const before = this.era;
    if (before?.text === era.text) return this.saw(revision);
    this.era = era;
    this.seen = revision;
    if (before) this.onNewEra();
  }

  /** By its text and not its revision, which may be the same in two lives of the data. */
  private isStill({ text }: Era): Compare {
    return { target: 'VALUE', key: this.layout.eraKey, value: Buffer.from(text) };
  }
}
