import { decodeNode, type NodeRecord } from '../cluster/node-record.js';
import { type Clock, type EpochMs, sleep } from '../common/clock.js';
import { randomId, type Random } from '../common/ids.js';
import { keys, listAll } from '../registry/keyspace.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import type { Registry } from '../registry/registry.js';
import type { Starts } from './claim.js';

const STALE_POLL_MS = 200;
const STALE_POLLS = 10;

/** What is stored at `life`. */
interface Life {
  id: string;
  /** The incarnation that began it. */
  boot: string;
  at: EpochMs;
  /** Others were at work, and the registry had lost the record of their start. */
  resumed?: true;
}

/**
 * One life of the cluster, from the first node that comes up to the last that goes: what `runOnStart: 'cluster'` runs
 * once for. A node that finds no other at work begins a life; of several that come up together the registry lets one
 * begin it. A node that was cut off and comes back goes on with the life it knows.
 */
export class ClusterLife {
  private life?: Life;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly node: { readonly boot: string; readonly version: string | undefined; readonly startedAt: EpochMs },
  ) {}

  /** The starts that this node knows of. */
  starts(): Starts {
    const { version, startedAt } = this.node;
    return {
      ...(this.life && {
        cluster: { key: `life ${this.life.id}`, at: this.life.at, resumed: this.life.resumed === true },
      }),
      ...(version !== undefined && { version: { key: `version ${version}`, at: startedAt } }),
    };
  }

  /** Called at each join, before the node takes anything over. */
  async join(): Promise<void> {
    for (;;) {
      const entry = await this.registry.get(keys.life, { fresh: true });
      const current = entry && decodeLife(entry.value);
      const others = await this.others();
      const goesOn = others.some(({ status, boot }) => status === 'working' || boot === current?.boot);
      if (current && (goesOn || this.life || current.boot === this.node.boot)) {
        this.life = current;
        return;
      }
      const next: Life = this.life ?? {
        id: randomId(this.random, 10),
        boot: this.node.boot,
        at: this.clock.now(),
        ...(goesOn && { resumed: true }), // nothing starts now
      };
      const [result] = await this.registry.commit([
        { key: keys.life, value: JSON.stringify(next), if: entry?.revision ?? 'absent' },
      ]);
      if (result?.ok) this.life = next; // read once more: the same if the answer had been lost
    }
  }

  private async others(): Promise<NodeRecord[]> {
    for (let polls = 0; polls < STALE_POLLS; polls++) {
      const entries = await listAll(this.registry, keys.nodes);
      const nodes = entries.map(({ value }) => decodeNode(value)).filter((node) => node !== undefined);
      const others = nodes.filter(({ boot }) => boot !== this.node.boot);
      if (others.length < nodes.length) return others;
      await sleep(this.clock, STALE_POLL_MS); // a list without this node is from before it came: it may lack those that work
    }
    const message = 'The list of nodes lacks this one: it is out of date, or the session of this node is over';
    throw new RegistryUnavailableError(message, { outcomeUnknown: false });
  }
}

function decodeLife(text: string): Life | undefined {
  try {
    const life = JSON.parse(text) as Life;
    return typeof life.id === 'string' ? life : undefined;
  } catch {
    return undefined;
  }
}
