import { closedError } from '../../core/registry/registry-errors.js';
import { sleep, TIMED_OUT, withTimeout, type Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { errorMessage } from '../../core/common/errors.js';
import { systemRandom } from '../../core/common/ids.js';
import type { LoggerPort } from '../../core/common/logger.js';
import type { Change } from '../../core/registry/registry.js';
import type { EtcdConnection } from './etcd-connection.js';
import { entryOf } from './etcd-document.js';
import type { WatchRequest, WatchResponse } from './etcd-messages.js';
import type { EtcdStore } from './etcd-store.js';
import { SILENCE, type EtcdStream } from './etcd-stream.js';

type Stream = EtcdStream<WatchRequest, WatchResponse>;

interface Watch {
  readonly prefix: string;
  readonly tell: (change: Change) => void;
  /** Changes from this revision on are still to be told; undefined where some are lost, and resync is due. */
  from: bigint | undefined;
}

/** A stream that nothing was heard on for so long is asked for a sign of life. */
const CHECK_PAUSE_MS = 1_000;
/** The watch on the era's own key. */
const ERA_WATCH = '1';

/**
 * Watches, all on one stream to one member: a stream costs the servers more than a watch, and one of them is enough to
 * find out that the connection has gone silent. Each watch knows up to where it has told, so another stream, maybe to
 * another member, goes on from there; only where the servers have dropped what came next, or the era is over, it says
 * `resync` and goes on from now.
 *
 *   idle --first watch--> opening --> following --stream ends--> pause --> opening …
 *     ^------------------ last watch disposed, or stop ------------------'
 */
export class EtcdWatches {
  /** Why there is no stream, where there should be one. */
  problem: string | undefined;
  private readonly watches = new Map<string, Watch>();
  private lastId = Number(ERA_WATCH);
  private stream: Stream | undefined;
  private loop: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly connection: EtcdConnection,
    private readonly store: EtcdStore,
    private readonly options: { clock: Clock; logger: LoggerPort; timeoutMs: number },
  ) {}

  async add(prefix: string, tell: (change: Change) => void): Promise<Disposable> {
    // Read with this prefix, so that a user who may not watch it is told so now.
    const from = (await this.store.head({ ...this.store.layout.rangeOf(prefix), limit: 1, keysOnly: true })) + 1n;
    const id = String(++this.lastId);
    const watch: Watch = { prefix, tell, from };
    if (this.stopping.signal.aborted) throw closedError();
    this.watches.set(id, watch);
    if (this.stream) this.create(this.stream, id, watch);
    this.start();
    return { dispose: () => this.remove(id) };
  }

  /** The era is over: everything is to be read again. */
  reset(): void {
    for (const watch of this.watches.values()) watch.from = undefined;
    this.stream?.cancel();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.watches.clear();
    this.stream?.cancel();
    await this.loop;
  }

  private remove(id: string): void {
    if (!this.watches.delete(id)) return;
    if (this.watches.size === 0) this.stream?.cancel();
    else this.stream?.send({ cancelRequest: { watchId: id } });
  }

  private start(): void {
    this.loop ??= this.run().finally(() => {
      this.loop = undefined;
      this.problem = undefined;
      if (this.watches.size > 0) this.start();
    });
  }

  private async run(): Promise<void> {
    const { clock, logger } = this.options;
    const { signal } = this.stopping;
    for (let failures = 0; ;) {
      const problem = await this.follow(() => (failures = 0)).catch(errorMessage);
      if (this.watches.size === 0) return;
      this.problem = problem;
      // The first failure is news, the hundredth is not.
      if (failures++ === 0) logger.warn('No etcd watch; what changes now is told when there is one again', { problem });
      await sleep(clock, Math.min(100 * failures, 1_000) * (0.5 + systemRandom() / 2), signal);
    }
  }

  /** One stream, from its beginning to its end. Returns why it ended. */
  private async follow(onSuccess: () => void): Promise<string> {
    const stream = await this.connection.stream<WatchRequest, WatchResponse>('Watch/Watch');
    try {
      const next = (await this.store.head()) + 1n;
      if (this.watches.size === 0) return 'nobody watches any more';
      this.stream = stream;
      this.createAll(stream, next);
      if ((await withTimeout(this.options.clock, stream.opened, this.options.timeoutMs)) === TIMED_OUT) {
        stream.cancel(SILENCE.details);
      }
      // The era is still the same, so it is this life of the data that the stream tells of.
      await this.store.head();
      stream.listen((response) => this.take(stream, response));
      onSuccess();
      this.problem = undefined;
      await this.untilEnd(stream);
      return String(stream.ended.reason);
    } finally {
      this.stream = undefined;
      stream.cancel();
    }
  }

  private createAll(stream: Stream, next: bigint): void {
    const { eraKey } = this.store.layout;
    stream.send({ createRequest: { key: eraKey, startRevision: String(next), watchId: ERA_WATCH, fragment: true } });
    for (const [id, watch] of [...this.watches]) {
      if (!this.watches.has(id)) continue; // A listener has disposed of it.
      const isLost = watch.from === undefined;
      watch.from ??= next;
      this.create(stream, id, watch);
      if (isLost) watch.tell({ type: 'resync' });
    }
  }

  private create(stream: Stream, watchId: string, { prefix, from }: Watch): void {
    const { key, rangeEnd } = this.store.layout.rangeOf(prefix);
    stream.send({ createRequest: { key, rangeEnd, startRevision: String(from), watchId, fragment: true } });
  }

  /** A stream whose connection has gone silent looks like one on which nothing happens; so it is asked. */
  private async untilEnd(stream: Stream): Promise<void> {
    const { clock, timeoutMs } = this.options;
    while (!stream.ended.aborted) {
      if (clock.monotonic() - stream.heardAt > CHECK_PAUSE_MS + timeoutMs) stream.cancel(SILENCE.details);
      stream.send({ progressRequest: {} });
      await sleep(clock, CHECK_PAUSE_MS, stream.ended);
    }
  }

  private take(stream: Stream, response: WatchResponse): void {
    const { watchId, created, canceled, compactRevision, cancelReason, events } = response;
    const watch = this.watches.get(watchId);
    if (canceled) {
      if (!created && !watch && watchId !== ERA_WATCH) return; // We asked for it.
      if (watch && compactRevision !== '0') watch.from = undefined;
      stream.cancel(cancelReason || 'the server has ended a watch');
    } else if (watchId === ERA_WATCH && events.length > 0) {
      stream.cancel('the data was replaced');
    } else if (watch) {
      this.deliver(watchId, watch, response);
    }
  }

  /** Those that a member sends again are left out. */
  private deliver(id: string, watch: Watch, { events, fragment }: WatchResponse): void {
    const { layout, known: era } = this.store;
    let last: bigint | undefined;
    for (const { type, kv } of events) {
      const revision = BigInt(kv.modRevision);
      const key = layout.documentOf(kv.key);
      if (watch.from === undefined || revision < watch.from || !layout.isDocument(key)) continue;
      if (this.watches.get(id) !== watch) return; // A listener has disposed of it.
      last = revision;
      watch.tell(type === 'DELETE' ? { type: 'deleted', key } : { type: 'put', entry: entryOf(kv, era, layout) });
    }
    if (last === undefined) return;
    this.store.saw(last);
    // More of the same revision may follow.
    watch.from = fragment ? last : last + 1n;
  }
}
