import { DistributedScheduleError } from '../common/errors.js';
import { randomId, type Random } from '../common/ids.js';
import { keys } from '../registry/keyspace.js';
import type { Registry } from '../registry/registry.js';

/** The version of the documents in a namespace: a node refuses to join one it does not know. */
export const PROTOCOL_VERSION = 1;

interface ClusterDocument {
  protocol: number;
  epoch: string;
}

/**
 * Whether the registry still is what it was. The `cluster` document carries an epoch, written once in the life of a
 * namespace; a node that finds it gone, or another in its place, knows that the registry has lost its data.
 */
export class RegistryEpoch {
  private known?: string;
  private found?: string;

  constructor(
    private readonly registry: Registry,
    private readonly random: Random,
  ) {}

  /** @returns `'lost'` where the registry has forgotten what this node knew it to hold, until that is `accept`ed */
  async check(): Promise<'same' | 'lost'> {
    this.found = await this.readOrCreate();
    this.known ??= this.found;
    return this.known === this.found ? 'same' : 'lost';
  }

  /** What was lost has been written back. */
  accept(): void {
    this.known = this.found;
  }

  private async readOrCreate(): Promise<string> {
    const entry = await this.registry.get(keys.cluster, { fresh: true });
    if (entry) return epochOf(entry.value);
    const document: ClusterDocument = { protocol: PROTOCOL_VERSION, epoch: randomId(this.random, 12) };
    const [result] = await this.registry.commit([{ key: keys.cluster, value: JSON.stringify(document), if: 'absent' }]);
    return result?.ok || !result?.current ? document.epoch : epochOf(result.current.value);
  }
}

/** @throws DistributedScheduleError `PROTOCOL_VERSION` where the namespace is written by a version that is not understood */
function epochOf(text: string): string {
  const { protocol, epoch } = JSON.parse(text) as ClusterDocument;
  if (protocol === PROTOCOL_VERSION) return epoch;
  const message = `The registry holds documents of protocol ${protocol}, this version of the library writes ${PROTOCOL_VERSION}. Use one version, or another namespace`;
  throw new DistributedScheduleError('PROTOCOL_VERSION', message);
}
