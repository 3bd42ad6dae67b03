import { type ClusterStart, decodeNode, type NodeRecord } from '../cluster/node-record.js';
import { type Clock, type EpochMs, sleep } from '../common/clock.js';
import { randomId, type Random } from '../common/ids.js';
import { keys, listAll } from '../registry/keyspace.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import type { Registry } from '../registry/registry.js';
import type { Starts } from './claim.js';

const STALE_POLL_MS = 200;
const STALE_POLLS = 10;

/**
 * One life of the cluster, from the first worker that comes up to the last that goes: what `runOnStart: 'cluster'` runs
 * once for. It stands in the document `life`, and each worker carries it in its record. A worker that finds no other one
 * carrying it begins a new life; of several that come up together the registry lets one. A worker that was cut off and comes
 * back goes on with the life it knows.
 */
export class ClusterLife {
  private life?: ClusterStart;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly node: { readonly boot: string; readonly version: string | undefined; readonly startedAt: EpochMs },
    /** Writes this node's record again. */
    private readonly publish: () => Promise<void>,
  ) {}

  get current(): ClusterStart | undefined {
    return this.life;
  }

  /** The starts that this node knows of. */
  starts(): Starts {
    const { version, startedAt } = this.node;
    return {
      ...(this.life && { cluster: { key: `life ${this.life.id}`, at: this.life.at } }),
      ...(version !== undefined && { version: { key: `version ${version}`, at: startedAt } }),
    };
  }

  /**
   * Called at each join, before the node takes anything over. What it has taken for the life is true once its record says so
   * and the document still does: whoever comes later sees the record.
   */
  async join(): Promise<void> {
    for (;;) {
      const life = await this.settle();
      if (this.life?.id !== life.id) {
        this.life = life;
        await this.publish();
      }
      const entry = await this.registry.get(keys.life, { fresh: true });
      if (entry && decodeLife(entry.value)?.id === life.id) return;
    }
  }

  /** The life as it stands, or one that begins now. */
  private async settle(): Promise<ClusterStart> {
    for (;;) {
      const entry = await this.registry.get(keys.life, { fresh: true });
      const current = entry && decodeLife(entry.value);
      const others = await this.others();
      const goesOn = others.some(({ boot, life }) => boot === current?.boot || life?.id === current?.id);
      if (current && (goesOn || this.life || current.boot === this.node.boot)) return current;
      // of a document that the registry has lost those who carry it know
      const carried = current ? undefined : others.find(({ life }) => life)?.life;
      const { boot } = this.node;
      const next = this.life ?? carried ?? { id: randomId(this.random, 10), at: this.clock.now() };
      const [result] = await this.registry.commit([
        { key: keys.life, value: JSON.stringify({ ...next, boot }), if: entry?.revision ?? 'absent' },
      ]);
      if (result?.ok) return next;
    }
  }

  private async others(): Promise<NodeRecord[]> {
    for (let polls = 0; polls < STALE_POLLS; polls++) {
      const entries = await listAll(this.registry, keys.nodes);
      const nodes = entries.map(({ value }) => decodeNode(value)).filter((node) => node !== undefined);
      const others = nodes.filter(({ boot }) => boot !== this.node.boot);
      if (others.length < nodes.length) return others;
      await sleep(this.clock, STALE_POLL_MS); // a list without this node is from before it came: it may lack those at work
    }
    const message = 'The list of nodes lacks this one: it is out of date, or the session of this node is over';
    throw new RegistryUnavailableError(message, { outcomeUnknown: false });
  }
}

/** What is stored at `life`: with the incarnation that began it, whose record may not carry it yet. */
function decodeLife(text: string): (ClusterStart & { boot?: string }) | undefined {
  try {
    const life = JSON.parse(text) as ClusterStart;
    return typeof life.id === 'string' ? life : undefined;
  } catch {
    return undefined;
  }
}
