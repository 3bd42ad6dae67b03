import { describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { createZookeeperRegistry } from '../../lib/adapters/zookeeper/create-zookeeper-registry.js';
import { JuteWriter } from '../../lib/adapters/zookeeper/wire/jute.js';

describe('the connection to ZooKeeper', () => {
  it('pauses between attempts where a server grants no new session', async () => {
    let attempts = 0;
    const server = createServer((socket) => {
      attempts++;
      const none = new JuteWriter().int(0).int(0).long(0n).bytes(Buffer.alloc(16)).bool(false).frame();
      socket.on('error', () => undefined).once('data', () => socket.write(none));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connect = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const registry = await createZookeeperRegistry({ connect, connectTimeout: '500ms' });
    await expect(registry.connect()).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: 'No connection to ZooKeeper within 500 ms (the server grants no session).',
    });
    expect(attempts).toBeLessThan(12);
    await registry.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
