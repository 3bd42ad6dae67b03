import { sleep, type Clock } from '../../core/common/clock.js';
import { errorMessage } from '../../core/common/errors.js';
import type { LoggerPort } from '../../core/common/logger.js';
import type { Change } from '../../core/registry/registry.js';
import type { ConsulConnection } from './consul-connection.js';
import { entryOf } from './consul-document.js';
import type { ConsulEra, Era } from './consul-era.js';
import { pathOf, type ConsulLayout } from './consul-keys.js';
import type { Pair } from './consul-txn.js';

export interface WatchStore {
  readonly connection: ConsulConnection;
  readonly era: ConsulEra;
  readonly layout: ConsulLayout;
}

export interface Listener {
  readonly tell: (change: Change) => void;
}

/** How long Consul may keep a request: a connection that has gone silent is noticed little later. */
const WAIT_MS = 5_000;
/** For each document, because Consul walks through all of them at the end of each wait, changes or not. */
const WAIT_PER_DOCUMENT_MS = 5;
const LONGEST_WAIT_MS = 60_000;
/** How long Consul may take to collect them, before the answer begins. */
const LOAD_MS = 5_000;
/** Between two answers, so that a burst of changes is read in few pieces. */
const SHORTEST_REST_MS = 20;
const LONGEST_IDLE_REST_MS = 320;
const LONGEST_FAILURE_REST_MS = 10_000;
/** All documents under the prefix are read for each change; this keeps the share of time spent on it small. */
const REST_PER_LOAD = 4;

/**
 * Follows the documents under one prefix. Consul tells that something there may have changed, but not what: so all of
 * them are read, and what is different from the time before is told. Nothing is missed however long it takes to ask
 * again. Only a new era is told as `resync`, because then every revision and token is another one.
 *
 *   reading --told what is different--> waiting --something has changed, or a failure, or a hurry--> reading
 */
export class WatchedPrefix {
  /** Settles when nothing is under way any more. */
  ended: Promise<void> = Promise.resolve();
  /** Why changes are not told at the moment. */
  problem: string | undefined;
  private readonly listeners = new Set<Listener>();
  private readonly stopping = new AbortController();
  /** What is waited for, and what is read. */
  private readonly paths: { readonly wait: string; readonly read: string };
  private versions = new Map<string, number>();
  /** The era that the listeners have been told of. */
  private told: Era | undefined;
  /** How far the documents had come when they were read; 0 where they are to be read at once. */
  private index = 0;
  /** How far all that is waited for had come, which may be more than the documents. */
  private reached = 0;
  private starting: Promise<void> | undefined;
  private hurrying = new AbortController();

  constructor(
    private readonly prefix: string,
    private readonly store: WatchStore,
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {
    const place = store.layout.placeOf(prefix);
    // Of keys with a further slash only the part before it is listed: without the last slash that is a single line.
    this.paths = { wait: pathOf(place.replace(/\/$/, '')), read: pathOf(place) };
  }

  get isUnused(): boolean {
    return this.listeners.size === 0;
  }

  /** Resolves once it is known what stands there, so that every change from now on is a difference. */
  async add(listener: Listener): Promise<void> {
    this.listeners.add(listener);
    this.starting ??= this.start();
    await this.starting;
  }

  remove(listener: Listener): boolean {
    return this.listeners.delete(listener);
  }

  /** Reads them at once, if it has read them before. */
  hurry(): void {
    if (this.told === undefined) return;
    this.forget();
    this.hurrying.abort();
  }

  stop(): void {
    this.listeners.clear();
    this.stopping.abort();
    this.hurrying.abort();
  }

  private async start(): Promise<void> {
    try {
      while (this.told === undefined && !this.stopping.signal.aborted) await this.read();
    } catch (error) {
      this.starting = undefined;
      throw error;
    }
    if (!this.stopping.signal.aborted) this.ended = this.follow();
  }

  private async follow(): Promise<void> {
    for (let [failures, idle] = [0, 0]; !this.stopping.signal.aborted;) {
      let rest: number;
      try {
        await this.wait();
        const { isNews, loadMs } = await this.read();
        failures = 0;
        this.problem = undefined;
        // Writes next to the prefix may wake it up, again and again.
        idle = isNews ? 0 : idle + 1;
        rest = Math.max(Math.min(SHORTEST_REST_MS * 2 ** idle, LONGEST_IDLE_REST_MS), loadMs * REST_PER_LOAD);
      } catch (error) {
        if (!this.hurrying.signal.aborted) this.complain(error, failures++);
        this.forget();
        rest = Math.min(50 * 2 ** failures, LONGEST_FAILURE_REST_MS);
      }
      await sleep(this.clock, rest, this.hurrying.signal);
      if (!this.stopping.signal.aborted && this.hurrying.signal.aborted) this.hurrying = new AbortController();
    }
  }

  /** The first failure is news, the hundredth is not. */
  private complain(error: unknown, failuresBefore: number): void {
    const { prefix } = this;
    this.problem = errorMessage(error);
    if (failuresBefore > 0) return;
    const message = 'A watch on Consul has failed; what changes now is told when it works again';
    this.logger.warn(message, { prefix, problem: this.problem });
  }

  /** Returns when something may have changed since the documents were read. */
  private async wait(): Promise<void> {
    while (this.index > 0) {
      const ms = Math.min(WAIT_MS + WAIT_PER_DOCUMENT_MS * this.versions.size, LONGEST_WAIT_MS);
      const { index } = await this.store.connection.request({
        method: 'GET',
        path: this.paths.wait,
        query: { keys: '', separator: '/', index: String(this.index), wait: `${ms}ms` },
        accept: [404],
        waits: { ms, signal: this.hurrying.signal },
      });
      // It also goes back: when Consul forgets deletions, and in restored data.
      if (index !== this.index) {
        this.reached = index;
        return;
      }
    }
  }

  /** Reads all documents and tells what is different. */
  private async read(): Promise<{ isNews: boolean; loadMs: number }> {
    const { signal } = this.hurrying;
    const { era, connection } = this.store;
    const before = era.current;
    const answer = await connection.request({
      method: 'GET',
      path: this.paths.read,
      query: { recurse: '', consistent: '' },
      accept: [404],
      waits: { ms: LOAD_MS, signal },
    });
    const parsingAt = this.clock.monotonic();
    const pairs = answer.status === 404 ? [] : (connection.parsed(answer.text) as Pair[]);
    const loadMs = answer.loadMs + this.clock.monotonic() - parsingAt;
    const isRestored = this.told === before && pairs.some(({ Key, ModifyIndex }) => ModifyIndex < this.versionOf(Key));
    if (isRestored) await era.disprove(before);
    // Which era this is of is known only where it was the same before and after.
    else if (this.told !== before || this.isDifferent(pairs)) await era.read([], false);
    const isOfEra = era.current === before;
    this.index = isOfEra && !signal.aborted ? Math.max(1, answer.index, this.reached) : 0;
    return { isNews: !isOfEra || this.take(pairs, before), loadMs };
  }

  private forget(): void {
    this.index = 0;
    this.reached = 0;
  }

  private versionOf(place: string): number {
    return this.versions.get(place) ?? 0;
  }

  private isDifferent(pairs: readonly Pair[]): boolean {
    if (pairs.length !== this.versions.size) return true;
    return pairs.some(({ Key, ModifyIndex }) => ModifyIndex !== this.versionOf(Key));
  }

  private take(pairs: readonly Pair[], era: Era): boolean {
    const { layout } = this.store;
    const [before, told] = [this.versions, this.told];
    this.versions = new Map(pairs.map(({ Key, ModifyIndex }) => [Key, ModifyIndex]));
    this.told = era;
    if (told !== undefined && told !== era) this.tell({ type: 'resync' });
    if (told !== era) return true;
    const changed = pairs.filter(({ Key, ModifyIndex }) => before.get(Key) !== ModifyIndex);
    const gone = [...before.keys()].filter((place) => !this.versions.has(place));
    for (const pair of changed) this.tell({ type: 'put', entry: entryOf(pair, era, layout) });
    for (const place of gone) this.tell({ type: 'deleted', key: layout.keyAt(place) });
    return changed.length + gone.length > 0;
  }

  private tell(change: Change): void {
    for (const listener of [...this.listeners]) if (this.listeners.has(listener)) listener.tell(change);
  }
}
