import type { Stat } from '../../lib/adapters/zookeeper/wire/protocol.js';
import { CODE } from '../../lib/adapters/zookeeper/wire/protocol.js';
import { create, getData, setData, watchTree, type WireRequest } from '../../lib/adapters/zookeeper/wire/requests.js';
import { WireConnection } from '../../lib/adapters/zookeeper/wire/wire-connection.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { lost, type BenchClient, type Claim } from './client.js';

const FOLDERS = ['/raw', '/raw/units', '/raw/tasks'];

/** One connection of the adapter's own wire client, and nothing else: there is no other client with persistent watches. */
export class RawZooKeeper implements BenchClient {
  private onValue: ((value: string) => void) | undefined;
  private readonly reads = new Set<Promise<void>>();
  private wire!: WireConnection;

  private constructor() {}

  static async open(target: { host: string; port: number }): Promise<RawZooKeeper> {
    const client = new RawZooKeeper();
    const wire = await WireConnection.open({
      target,
      clock: systemClock,
      connectTimeoutMs: 5_000,
      answerTimeoutMs: 5_000,
      sessionTimeoutMs: 10_000,
      keepsAlive: true,
      signal: new AbortController().signal,
      onEvent: ({ path }) => client.hear(path),
    });
    if (wire === 'expired') throw new Error('ZooKeeper granted no session.');
    client.wire = wire;
    for (const path of FOLDERS) await wire.call(created(path, ''));
    return client;
  }

  async claim({ key, value, revision }: Claim): Promise<string> {
    const path = `/raw/${key}`;
    const request: WireRequest<Stat> =
      revision === undefined ? created(path, value) : setData(path, value, Number(revision));
    const reply = await this.wire.call(request);
    return reply.code === 0 ? String(reply.value!.version) : lost(key);
  }

  /** Requests are pipelined: this is how ZooKeeper takes many that stand for themselves. */
  claimAll(claims: readonly Claim[]): Promise<string[]> {
    return Promise.all(claims.map((claim) => this.claim(claim)));
  }

  async put(key: string, value: string): Promise<void> {
    const path = `/raw/${key}`;
    const { code } = await this.wire.call(setData(path, value, -1));
    if (code === CODE.NoNode) await this.wire.call(created(path, value));
    else if (code !== 0) lost(key);
  }

  async watch(prefix: string, onValue: (value: string) => void): Promise<void> {
    this.onValue = onValue;
    await this.wire.call(watchTree(`/raw/${prefix.replace(/\/$/, '')}`));
  }

  async close(): Promise<void> {
    this.onValue = undefined;
    await Promise.all(this.reads);
    await this.wire.quit(1_000);
  }

  /** An event tells that something is new, not what. */
  private hear(path: string): void {
    const read = this.wire.call(getData(path)).then(({ value }) => {
      if (typeof value?.data === 'string') this.onValue?.(value.data);
    });
    const settled = read.catch(() => undefined).then(() => void this.reads.delete(settled));
    this.reads.add(settled);
  }
}

const created = (path: string, data: string): WireRequest<Stat> =>
  create({ path, data, ephemeral: false, access: 'world' });
