import { createZookeeperRegistry } from '../../lib/adapters/zookeeper/create-zookeeper-registry.js';
import type { WireRequest } from '../../lib/adapters/zookeeper/wire/requests.js';
import { getData } from '../../lib/adapters/zookeeper/wire/requests.js';
import { WireConnection, type WireReply } from '../../lib/adapters/zookeeper/wire/wire-connection.js';
import { ZookeeperLayout } from '../../lib/adapters/zookeeper/zookeeper-keys.js';
import type { ZookeeperRegistryOptions } from '../../lib/adapters/zookeeper/zookeeper-options.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { RegistryLab } from './registry-lab.js';
import { startZookeeper, type ZookeeperOptions } from './servers/zookeeper.js';
import { TcpProxy } from './tcp-proxy.js';

/** `connect` may name a node behind the address, as `/apps/shop`. */
export type ZookeeperLabTuning = Omit<ZookeeperRegistryOptions, 'connect'> & { chroot?: string };

/** The lab of a ZooKeeper server. The server itself is looked at node by node. */
export class ZookeeperLab extends RegistryLab<ZookeeperLabTuning> {
  readonly layout = new ZookeeperLayout('', 'nds');

  static async start(options: ZookeeperOptions = {}): Promise<ZookeeperLab> {
    const server = await startZookeeper(options);
    const lab: ZookeeperLab = new ZookeeperLab({
      server,
      proxy: await TcpProxy.to(server),
      create: ({ host, port }, { chroot = '', ...tuning }) =>
        createZookeeperRegistry({ connect: `${host}:${port}${chroot}`, ...tuning }),
      async peek(key) {
        const { value } = await lab.raw(getData(lab.layout.placeOf(key).path));
        return value?.data ?? undefined;
      },
    });
    return lab;
  }

  /** One request on a connection of its own. */
  async raw<T>(request: WireRequest<T>): Promise<WireReply<T>> {
    const [reply] = await rawZookeeper(this.server, [request]);
    return reply as WireReply<T>;
  }
}

/** Requests on a connection of their own, past the registry. */
export async function rawZookeeper(
  target: { host: string; port: number },
  requests: readonly WireRequest<unknown>[],
  digest?: { username: string; password: string },
): Promise<WireReply<unknown>[]> {
  const wire = await WireConnection.open({
    target,
    clock: systemClock,
    connectTimeoutMs: 5_000,
    answerTimeoutMs: 5_000,
    sessionTimeoutMs: 5_000,
    keepsAlive: false,
    ...(digest && { digest }),
    signal: new AbortController().signal,
    onEvent: () => undefined,
  });
  if (wire === 'expired') throw new Error('a new session cannot be over');
  try {
    return await Promise.all(requests.map((request) => wire.call(request)));
  } finally {
    await wire.quit(1_000);
  }
}
