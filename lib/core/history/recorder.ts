import type { EpochMs } from '../common/clock.js';
import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import type { HistoryRecord } from '../common/run.js';
import { keys, listAll } from '../registry/keyspace.js';
import type { Registry, Write, WriteResult } from '../registry/registry.js';

/** How many records a unit, and a node's feed, keep. */
export const DEFAULT_KEEP_RUNS = 20;

/** How long the feed of a node that is gone stays. */
const FEED_KEPT_MS = 86_400_000;

/**
 * The last records of each unit and of each node, as rings: a slot is written over when its turn comes again, so
 * nothing has to be pruned. A record that cannot be written is dropped and the log says how many were; the unit's
 * counters have them all.
 */
export class Recorder {
  private feedCount = 0;
  /** Slots of the feed that wait for the writes before them: in a rush only the latest records reach the registry. */
  private readonly feed = new Map<number, { value: string; isTrue: () => boolean }>();
  private feedBusy = false;
  private dropped = 0;
  private outstanding = 0;
  private onSettled: (() => void)[] = [];

  constructor(
    private readonly registry: Registry,
    private readonly port: { commit(write: Write, isStillWanted?: () => boolean): Promise<WriteResult> },
    private readonly nodeId: string,
    private readonly keep: number,
    private readonly logger: LoggerPort,
  ) {}

  /**
   * @param seq the record's number within its unit: it names the slot
   * @param isTrue asked when the record is about to leave; what is not true any more is not written
   */
  record(record: HistoryRecord, seq: number, isTrue: () => boolean = () => true): void {
    const value = JSON.stringify(record);
    void this.put(keys.historySlot(record.unit, seq % this.keep), value, isTrue);
    this.feed.set(this.feedCount++ % this.keep, { value, isTrue });
    if (!this.feedBusy) void this.writeFeed();
  }

  /** Resolves when nothing that was recorded is still on its way. */
  settled(): Promise<void> {
    return this.outstanding === 0 ? Promise.resolve() : new Promise((resolve) => this.onSettled.push(resolve));
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

  /**
   * Removes the feeds of nodes that are gone and have recorded nothing for a day: node ids are new with every start, so
   * each deploy leaves some behind. Their runs stay in the history of their tasks.
   */
  async sweepFeeds(isPresent: (nodeId: string) => boolean, now: EpochMs): Promise<void> {
    const latest = new Map<string, { at: EpochMs; keys: string[] }>();
    for (const { key, value } of await listAll(this.registry, keys.feeds)) {
      const nodeId = key.slice(keys.feeds.length, key.lastIndexOf('/'));
      const record = JSON.parse(value) as HistoryRecord;
      const feed = latest.get(nodeId) ?? { at: 0, keys: [] };
      feed.at = Math.max(feed.at, record.kind === 'run' ? record.endedAt : record.at);
      feed.keys.push(key);
      latest.set(nodeId, feed);
    }
    const old = [...latest].filter(([nodeId, { at }]) => !isPresent(nodeId) && at < now - FEED_KEPT_MS);
    const doomed = old.flatMap(([, feed]) => feed.keys);
    if (doomed.length > 0) await this.registry.commit(doomed.map((key) => ({ key })));
  }

  private async read(prefix: string): Promise<HistoryRecord[]> {
    const entries = await listAll(this.registry, prefix);
    return entries
      .sort((a, b) => (a.token < b.token ? 1 : -1))
      .map((entry) => JSON.parse(entry.value) as HistoryRecord);
  }

  private async writeFeed(): Promise<void> {
    this.feedBusy = true;
    while (this.feed.size > 0) {
      const writes = [...this.feed].map(([slot, { value, isTrue }]) =>
        this.put(keys.feedSlot(this.nodeId, slot), value, isTrue),
      );
      this.feed.clear();
      await Promise.all(writes);
    }
    this.feedBusy = false;
  }

  private async put(key: string, value: string, isTrue: () => boolean): Promise<void> {
    this.outstanding++;
    try {
      await this.port.commit({ key, value }, isTrue);
      if (this.dropped > 0)
        this.logger.warn('History is written again; some records were dropped', { dropped: this.dropped });
      this.dropped = 0;
    } catch (error) {
      if (this.dropped++ === 0) this.logger.warn('History cannot be written', { reason: errorMessage(error) });
    }
    this.outstanding--;
    if (this.outstanding === 0 && this.feed.size === 0) for (const resolve of this.onSettled.splice(0)) resolve();
  }
}
