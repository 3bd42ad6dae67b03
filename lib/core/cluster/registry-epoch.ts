import { DistributedScheduleError } from '../common/errors.js';
import { randomId, type Random } from '../common/ids.js';
import { keys } from '../registry/keyspace.js';
import type { Clock, EpochMs } from '../common/clock.js';
import type { Registry, Revision, WriteResult } from '../registry/registry.js';

/** The version of the documents in a namespace: a node refuses to join one it does not know. */
export const PROTOCOL_VERSION = 1;

interface ClusterDocument {
  protocol: number;
  epoch: string;
  /** No tick up to here is fired any more: what the registry held of them was lost. Absent: nothing ever was. */
  lostUpTo?: EpochMs;
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
  private seen = 0n;

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
      if (entry!.token < this.seen || (await isOlder())) document = await this.write(entry!.revision);
      else if (entry!.token === this.seen)
        await this.commit(entry!.value, entry!.revision); // nobody has for a while
      else this.seen = entry!.token;
    } else if (this.known !== undefined && document.lostUpTo === undefined) {
      document = await this.write(entry!.revision, document.epoch); // its writer had joined too late to know of a loss
    }
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
  private async write(condition: 'absent' | Revision, epoch = randomId(this.random, 12)): Promise<ClusterDocument> {
    const document: ClusterDocument = { protocol: PROTOCOL_VERSION, epoch };
    if (this.known !== undefined) document.lostUpTo = (await this.now()) + this.claimAheadMs;
    const result = await this.commit(JSON.stringify(document), condition);
    return result.ok || !result.current ? document : decode(result.current.value);
  }

  private async commit(value: string, condition: 'absent' | Revision): Promise<WriteResult> {
    const [result] = await this.registry.commit([{ key: keys.cluster, value, if: condition }]);
    if (result!.ok) this.seen = result!.token;
    else if (result!.current) this.seen = result!.current.token;
    return result!;
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
