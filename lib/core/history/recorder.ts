import type { LoggerPort } from '../common/logger.js';
import { errorMessage } from '../common/errors.js';
import type { HistoryRecord } from '../common/run.js';
import { keys, listAll } from '../registry/keyspace.js';
import type { Registry, Write, WriteResult } from '../registry/registry.js';

/** How many records a unit, and a node's feed, keep. */
export const DEFAULT_KEEP_RUNS = 20;

/**
 * The last records of each unit and of each node, as rings: a slot is written over when its turn comes again, so
 * nothing has to be pruned. A record that cannot be written is logged and dropped; the unit's counters have it.
 */
export class Recorder {
  private feedCount = 0;

  constructor(
    private readonly registry: Registry,
    private readonly port: { commit(write: Write): Promise<WriteResult> },
    private readonly nodeId: string,
    private readonly keep: number,
    private readonly logger: LoggerPort,
  ) {}

  /** @param seq the record's number within its unit: it names the slot */
  record(record: HistoryRecord, seq: number): void {
    const value = JSON.stringify(record);
    this.put(keys.historySlot(record.unit, seq % this.keep), value);
    this.put(keys.feedSlot(this.nodeId, this.feedCount++ % this.keep), value);
  }

  /** The records of one unit, latest first. */
  async ofUnit(unit: string): Promise<HistoryRecord[]> {
    return this.read(keys.history(unit));
  }

  /** The records of what one node did, latest first. */
  async ofNode(nodeId: string): Promise<HistoryRecord[]> {
    return this.read(keys.feed(nodeId));
  }

  /** The keys that hold records of a unit: what a purge removes. */
  async keysOf(unit: string): Promise<string[]> {
    return (await listAll(this.registry, keys.history(unit))).map((entry) => entry.key);
  }

  private async read(prefix: string): Promise<HistoryRecord[]> {
    const entries = await listAll(this.registry, prefix);
    return entries
      .sort((a, b) => (a.token < b.token ? 1 : -1))
      .map((entry) => JSON.parse(entry.value) as HistoryRecord);
  }

  private put(key: string, value: string): void {
    this.port.commit({ key, value }).catch((error: unknown) => {
      this.logger.warn('A history record could not be written', { key, reason: errorMessage(error) });
    });
  }
}
