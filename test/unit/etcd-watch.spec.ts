import { afterEach, describe, expect, it } from '@jest/globals';
import type { EtcdConnection } from '../../lib/adapters/etcd/etcd-connection.js';
import { Era } from '../../lib/adapters/etcd/etcd-era.js';
import { EtcdLayout } from '../../lib/adapters/etcd/etcd-keys.js';
import type { WatchRequest, WatchResponse } from '../../lib/adapters/etcd/etcd-messages.js';
import type { EtcdStore } from '../../lib/adapters/etcd/etcd-store.js';
import { EtcdWatches } from '../../lib/adapters/etcd/etcd-watch.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';

const layout = new EtcdLayout('nds');
const era = Era.begin(1_000n);

/** The server's side of one stream. */
class FakeStream {
  readonly sent: WatchRequest[] = [];
  readonly opened = Promise.resolve();
  readonly heardAt = Infinity;
  private readonly end = new AbortController();
  private take: ((response: WatchResponse) => void) | undefined;

  get ended(): AbortSignal {
    return this.end.signal;
  }

  send(request: WatchRequest): void {
    this.sent.push(request);
  }

  listen(take: (response: WatchResponse) => void): void {
    this.take = take;
  }

  cancel(reason = 'given up'): void {
    this.end.abort(reason);
  }

  get isFollowed(): boolean {
    return this.take !== undefined;
  }

  answer(response: Partial<WatchResponse>): void {
    const rest = {
      created: false,
      canceled: false,
      compactRevision: '0',
      cancelReason: '',
      fragment: false,
      events: [],
    };
    this.take!({ ...rest, watchId: '2', ...response });
  }

  tell(fragment: boolean, ...events: [name: string, revision: number][]): void {
    const kv = (name: string, revision: number) => ({
      key: layout.keyOf(`ns/docs/${name}`),
      value: Buffer.from(`${revision}`),
      createRevision: '1',
      modRevision: `${revision}`,
      lease: '0',
    });
    this.answer({ fragment, events: events.map(([name, revision]) => ({ type: 'PUT', kv: kv(name, revision) })) });
  }

  /** From where the document watch was created. */
  get startRevision(): string | undefined {
    return this.sent.find(({ createRequest }) => createRequest?.watchId === '2')?.createRequest?.startRevision;
  }
}

describe('the watches of etcd', () => {
  const streams: FakeStream[] = [];
  let head = 10n;
  let watches: EtcdWatches;
  const seen: string[] = [];

  const start = async (): Promise<void> => {
    const connection = {
      stream: async () => {
        const stream = new FakeStream();
        streams.push(stream);
        return stream;
      },
    } as unknown as EtcdConnection;
    const store = { layout, known: era, head: async () => head, saw: () => undefined } as unknown as EtcdStore;
    watches = new EtcdWatches(connection, store, { clock: systemClock, logger: SILENT_LOGGER, timeoutMs: 1_000 });
    await watches.add('ns/docs/', (change) => {
      seen.push(change.type === 'put' ? `${change.entry.key.slice(8)}@${change.entry.value}` : change.type);
    });
  };
  const stream = (n: number): Promise<FakeStream> =>
    eventually(`stream ${n} is followed`, () => (streams[n]?.isFollowed ? streams[n] : undefined));
  afterEach(async () => {
    await watches.stop();
    streams.length = 0;
    seen.length = 0;
    head = 10n;
  });

  it('go on where they were, and leave out what a member sends again', async () => {
    await start();
    const first = await stream(0);
    expect(first.startRevision).toBe('11');
    first.tell(false, ['a', 11], ['a', 12]);
    first.cancel('lost');
    const second = await stream(1);
    expect(second.startRevision).toBe('13');
    second.tell(false, ['a', 11], ['a', 12], ['a', 13]);
    expect(seen).toEqual(['a@11', 'a@12', 'a@13']);
  });

  it('ask again for a revision of which only a part came', async () => {
    await start();
    const first = await stream(0);
    first.tell(true, ['a', 11], ['b', 12]);
    first.tell(true, ['c', 12]);
    first.cancel('lost');
    const second = await stream(1);
    expect(second.startRevision).toBe('12');
    second.tell(false, ['b', 12], ['c', 12], ['d', 12], ['a', 13]);
    expect(seen).toEqual(['a@11', 'b@12', 'c@12', 'b@12', 'c@12', 'd@12', 'a@13']);
  });

  it('say resync where the server has forgotten what comes next, and go on from now', async () => {
    await start();
    head = 50n;
    (await stream(0)).answer({ canceled: true, compactRevision: '40' });
    expect((await stream(1)).startRevision).toBe('51');
    expect(seen).toEqual(['resync']);
  });

  it('say resync when the data was replaced', async () => {
    await start();
    await stream(0);
    watches.reset();
    await stream(1);
    expect(seen).toEqual(['resync']);
  });

  it('try again without resync, and tell why there is nothing, when the server refuses them', async () => {
    await start();
    const refused = { watchId: '-1', created: true, canceled: true, cancelReason: 'etcdserver: permission denied' };
    (await stream(0)).answer(refused);
    await eventually('the reason is told', () => watches.problem?.includes('permission denied'));
    expect((await stream(1)).startRevision).toBe('11');
    expect(watches.problem).toBeUndefined();
    expect(seen).toEqual([]);
  });

  it('look at the era anew when its key has changed', async () => {
    await start();
    const event = { type: 'PUT' as const, kv: { key: layout.eraKey } as never };
    (await stream(0)).answer({ watchId: '1', events: [event] });
    await stream(1);
    expect(seen).toEqual([]);
  });

  it('have no stream once nobody watches', async () => {
    await start();
    const first = await stream(0);
    const second = await watches.add('ns/other/', () => undefined);
    expect(first.sent.at(-1)).toMatchObject({ createRequest: { watchId: '3' } });
    second.dispose();
    expect(first.sent.at(-1)).toEqual({ cancelRequest: { watchId: '3' } });
    first.answer({ watchId: '3', canceled: true }); // As asked for.
    expect(first.ended.aborted).toBe(false);
    await watches.stop();
    expect(first.ended.aborted).toBe(true);
    expect(streams).toHaveLength(1);
  });
});
