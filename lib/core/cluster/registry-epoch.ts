import { DistributedScheduleError } from '../common/errors.js';
import { randomId, type Random } from '../common/ids.js';
import { keys } from '../registry/keyspace.js';
import type { Clock, EpochMs } from '../common/clock.js';
import type { Entry, Registry, Revision } from '../registry/registry.js';

/** The version of the documents in a namespace: a node refuses to join one it does not know. */
export const PROTOCOL_VERSION = 1;

/** Signs of life in the document are at least so far apart. */
const TOUCH_APART_MS = 4_000;

interface ClusterDocument {
  protocol: number;
  epoch: string;
  /** No tick up to here is fired any more: what the registry held of them was lost. Absent: nothing ever was. */
  lostUpTo?: EpochMs;
  /** How often it was touched in this epoch. */
  touches?: number;
}

/**
 * Whether the registry still is what it was. The `cluster` document carries an epoch, written once in the life of a
 * namespace and again whenever data was lost. A node that finds it gone, or another in its place, knows that the
 * registry has lost its data; so does one that meets an older version of a document than it has seen, and it then
 * writes a new epoch for all the others to see.
 */
export class RegistryEpoch {
  private known?: string;
  private found?: string;
  private lost: EpochMs = -Infinity;
  /** The highest token of the document; it is written again now and then, so that an older one shows on every node. */
  private seen = { token: 0n, touches: 0 };
  private seenAt = -Infinity;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly random: Random,
    /** Ticks are claimed so long before they are due. */
    private readonly claimAheadMs: number,
  ) {}

  /** Ticks up to here are settled, whatever the units say. */
  get lostUpTo(): EpochMs {
    return this.lost;
  }

  /**
   * @param isOlder whether the registry shows an older version of something than this node has seen
   * @returns `'lost'` where the registry has forgotten what this node knew it to hold, until that is `accept`ed
   */
  async check(isOlder: () => Promise<boolean>): Promise<'same' | 'lost'> {
    const entry = await this.registry.get(keys.cluster, { fresh: true });
    let document = entry && decode(entry.value);
    if (!document) document = await this.write('absent');
    else if (document.epoch === this.known) {
      if (this.isPast(entry!, document) || (await isOlder())) document = await this.write(entry!.revision);
      else if (entry!.token === this.seen.token) document = await this.touchNowAndThen(document, entry!.revision);
      else this.see(entry!.token, document);
    } else if (this.known !== undefined && (document.lostUpTo ?? -Infinity) <= this.lost) {
      document = await this.write(entry!.revision, document); // it tells of no loss, or of an earlier one
    } else this.see(entry!.token, document);
    this.found = document.epoch;
    this.known ??= this.found;
    this.lost = Math.max(this.lost, document.lostUpTo ?? -Infinity);
    return this.known === this.found ? 'same' : 'lost';
  }

  /** What was lost has been written back. */
  accept(): void {
    this.known = this.found;
  }

  /** A new epoch; should somebody have been quicker, theirs. */
  private async write(
    condition: 'absent' | Revision,
    { epoch, touches = 0 }: Pick<ClusterDocument, 'epoch' | 'touches'> = { epoch: randomId(this.random, 12) },
  ): Promise<ClusterDocument> {
    const document: ClusterDocument = { protocol: PROTOCOL_VERSION, epoch, touches: touches + 1 };
    if (this.known !== undefined) document.lostUpTo = (await this.now()) + this.claimAheadMs;
    const theirs = await this.commit(document, condition);
    if (!theirs) return document;
    const toldOfLoss = theirs.document.epoch !== this.known && theirs.document.lostUpTo !== undefined;
    if (toldOfLoss || this.known === undefined) return theirs.document;
    return this.write(theirs.revision, epoch === theirs.document.epoch ? theirs.document : { epoch }); // it was only touched
  }

  /** Where nobody has for a while: one touch too many would pass for a sign of others. */
  private async touchNowAndThen(document: ClusterDocument, revision: Revision): Promise<ClusterDocument> {
    if (this.clock.monotonic() - this.seenAt < TOUCH_APART_MS) return document;
    const touched = { ...document, touches: (document.touches ?? 0) + 1 };
    const theirs = await this.commit(touched, revision);
    return theirs?.document ?? touched;
  }

  /** A version from before the one that was seen, or from another course of events. */
  private isPast({ token }: Entry, { touches = 0 }: ClusterDocument): boolean {
    const { seen } = this;
    return token < seen.token || touches < seen.touches || (touches === seen.touches && token > seen.token);
  }

  private see(token: bigint, { touches = 0 }: ClusterDocument): void {
    this.seen = { token, touches };
    this.seenAt = this.clock.monotonic();
  }

  /** @returns what stands there instead */
  private async commit(
    document: ClusterDocument,
    condition: 'absent' | Revision,
  ): Promise<{ document: ClusterDocument; revision: Revision } | undefined> {
    const [result] = await this.registry.commit([
      { key: keys.cluster, value: JSON.stringify(document), if: condition },
    ]);
    if (result!.ok) this.see(result!.token, document);
    else if (result!.current) {
      const theirs = decode(result!.current.value);
      if (theirs.epoch !== this.known) this.see(result!.current.token, theirs);
      return { document: theirs, revision: result!.current.revision };
    }
    return undefined;
  }

  /** By the registry's clock: this node's own may be wrong just now, and everything up to a moment far ahead would be settled. */
  async now(): Promise<EpochMs> {
    return this.registry.serverTime ? Math.floor(await this.registry.serverTime()) : this.clock.now();
  }
}

/** @throws DistributedScheduleError `PROTOCOL_VERSION` where the namespace is written by a version that is not understood */
function decode(text: string): ClusterDocument {
  const document = JSON.parse(text) as ClusterDocument;
  const { protocol } = document;
  if (protocol === PROTOCOL_VERSION) return document;
  const message = `The registry holds documents of protocol ${protocol}, this version of the library writes ${PROTOCOL_VERSION}. Use one version, or another namespace`;
  throw new DistributedScheduleError('PROTOCOL_VERSION', message);
}
