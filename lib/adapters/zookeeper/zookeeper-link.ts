import { CODE, type WatchEvent } from './wire/protocol.js';
import { create, getData, remove, setData, watchTree, type Access, type WireRequest } from './wire/requests.js';
import { WireConnection, type WireOptions } from './wire/wire-connection.js';
import { readEra, writtenEra, type Era, type Eras } from './zookeeper-era.js';
import { answerError, connectionError } from './zookeeper-errors.js';
import type { ZookeeperLayout } from './zookeeper-keys.js';

/** Answers that are results: what was asked for was not there, was there already, or was another version. */
export type Miss = 'NoNode' | 'NodeExists' | 'BadVersion';

export type Reply<T> =
  | { readonly miss?: undefined; readonly value: T; readonly zxid: bigint }
  | { readonly miss: Miss; readonly value?: undefined; readonly zxid: bigint };

const MISSES: Record<number, Miss> = {
  [CODE.NoNode]: 'NoNode',
  [CODE.NodeExists]: 'NodeExists',
  [CODE.BadVersion]: 'BadVersion',
};

export interface LinkParts {
  readonly layout: ZookeeperLayout;
  readonly eras: Eras;
  readonly access: Access;
}

/**
 * A connection in an era. The era is read before anything else is asked, and the connection ends when another one
 * begins: the server tells of that before it answers any request that came after it. So whatever is answered here is
 * answered in `era`.
 *
 * That data went back is seen here by comparing counts, which has a limit (`zookeeper-era`).
 *
 *   connected --watch the era's node--> watching --barrier, read--> in the era --era's node changed--> closed
 *                                          ^ '--none there, or the data went back: write one--'
 */
export class ZookeeperLink {
  era!: Era;
  private wire!: WireConnection;
  private eraChanged = false;

  private constructor(private readonly parts: LinkParts) {}

  /** `'expired'`: the session that was to be taken up is over. */
  static async open(parts: LinkParts, options: WireOptions): Promise<ZookeeperLink | 'expired'> {
    const link = new ZookeeperLink(parts);
    const onEvent = (event: WatchEvent): void => {
      if (event.path === parts.layout.era) link.onEraChanged();
      else options.onEvent(event);
    };
    const wire = await WireConnection.open({ ...options, onEvent }).catch(rethrow);
    if (wire === 'expired') return wire;
    try {
      link.wire = wire;
      await link.enterEra();
      return link;
    } catch (error) {
      wire.close('it could not be used');
      throw error;
    }
  }

  get session(): WireConnection['session'] {
    return this.wire.session;
  }

  get address(): WireConnection['address'] {
    return this.wire.address;
  }

  get isOpen(): boolean {
    return this.wire.isOpen;
  }

  get closed(): Promise<string> {
    return this.wire.closed;
  }

  close(reason: string): void {
    this.wire.close(reason);
  }

  quit(withinMs: number): Promise<void> {
    return this.wire.quit(withinMs);
  }

  /** Sends at once; several calls are carried out and answered in their order. */
  async call<T>(request: WireRequest<T>, what: string): Promise<Reply<T>> {
    const reply = await this.ask(request, what);
    this.parts.eras.note(this.era, reply.zxid);
    return reply;
  }

  /**
   * A write that a majority agrees to and that changes nothing: it asks for the deletion of a node that is never there.
   * Its answer proves that the leader holds this session, and whatever is read behind it on this connection is not older
   * than it. `sync` would not do: a leader that does not know yet that it is none any more answers it by itself.
   */
  barrier(): Promise<Reply<undefined>> {
    return this.call(this.barrierRequest(), this.parts.layout.era);
  }

  /** Makes a node and its parents, where they are not there yet. */
  async ensure(path: string): Promise<void> {
    const parents = path
      .split('/')
      .slice(1)
      .map((_, i, names) => `/${names.slice(0, i + 1).join('/')}`);
    const replies = await Promise.allSettled(
      parents.map((parent) =>
        this.ask(create({ path: parent, data: '', ephemeral: false, access: this.parts.access }), parent),
      ),
    );
    // Parents that are there may be in the hands of others: only the last one counts.
    const last = replies.at(-1)!;
    if (last.status === 'fulfilled' && last.value.miss !== 'NoNode') return;
    throw replies.find((reply) => reply.status === 'rejected')?.reason ?? answerError(CODE.NoNode, path);
  }

  private barrierRequest(): WireRequest<undefined> {
    return remove(`${this.parts.layout.era}/none`, -1);
  }

  private async ask<T>(request: WireRequest<T>, what: string): Promise<Reply<T>> {
    const reply = await this.wire.call(request).catch(rethrow);
    if (reply.code === 0) return { value: reply.value as T, zxid: reply.zxid };
    const miss = MISSES[reply.code];
    if (miss !== undefined) return { miss, zxid: reply.zxid };
    throw answerError(reply.code, `${request.name} of ${what}`);
  }

  private onEraChanged(): void {
    this.eraChanged = true;
    if (this.era) this.close('another era of the registry has begun');
  }

  private async enterEra(): Promise<void> {
    const { layout, eras, access } = this.parts;
    await this.ask(watchTree(layout.era), layout.era);
    for (;;) {
      this.eraChanged = false;
      const { floor } = eras; // Before the barrier: whatever is known by now must be older than it.
      const [{ zxid }, read] = await Promise.all([
        this.ask(this.barrierRequest(), layout.era),
        this.ask(getData(layout.era), layout.era),
      ]);
      if (read.miss) {
        await this.ensure(layout.root);
        await this.ask(
          create({ path: layout.era, data: writtenEra(eras.next(zxid)), ephemeral: false, access }),
          layout.era,
        );
        continue;
      }
      const era = readEra(read.value.data, layout.era);
      if (era.base + zxid <= floor) {
        await this.ask(setData(layout.era, writtenEra(eras.next(zxid)), read.value.stat.version), layout.era);
        continue;
      }
      if (this.eraChanged) continue;
      this.era = era;
      eras.note(era, zxid);
      return;
    }
  }
}

function rethrow(error: unknown): never {
  throw connectionError(error);
}
