import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import { systemClock, type Clock } from '../../lib/core/common/clock.js';
import type { Registry } from '../../lib/core/registry/registry.js';

const OWN_TIME = 42;
const clock: Clock = Object.assign(Object.create(systemClock) as Clock, { now: () => OWN_TIME });
const UNAVAILABLE = { code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: false };

type Manner = (socket: Socket) => unknown;
const tellsTime: Manner = (socket) =>
  socket.end('HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n');
const tellsNoTime: Manner = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const speaksNoHttp: Manner = (socket) => socket.end('220 welcome\r\n');
const hangsUp: Manner = (socket) => socket.end();
const resets: Manner = (socket) => socket.resetAndDestroy();
const isSilent: Manner = () => undefined;

describe('the time of etcd', () => {
  let server: Server | undefined;
  let registry: Registry | undefined;
  const sockets = new Set<Socket>();
  let manner = tellsTime;

  /** Somebody who takes a request in this manner. */
  const start = async (how: Manner, protocol = 'http'): Promise<Registry> => {
    manner = how;
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => manner(socket));
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const endpoints = `${protocol}://127.0.0.1:${(server.address() as { port: number }).port}`;
    return (registry = await createEtcdRegistry({ endpoints, callTimeout: '2s' }, { clock }));
  };
  const stop = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    return new Promise((resolve) => server!.close(() => resolve()));
  };
  afterEach(async () => {
    await registry?.close();
    if (server?.listening) await stop();
  });

  it('is that of the server', async () => {
    expect(await (await start(tellsTime)).serverTime!()).toBe(Date.UTC(2026, 0, 1));
  });

  it.each<[string, Manner, string]>([
    ['tells none', tellsNoTime, 'http'],
    ['speaks no HTTP', speaksNoHttp, 'http'],
    ['speaks no TLS', speaksNoHttp, 'https'],
    ['hangs up', hangsUp, 'http'],
    ['resets', resets, 'http'],
    ['resets a handshake', resets, 'https'],
  ])('is our own where something answers that %s, unless it was told before', async (_what, how, protocol) => {
    expect(await (await start(how, protocol)).serverTime!()).toBe(OWN_TIME);
    if (protocol === 'https') return;
    manner = tellsTime;
    await registry!.serverTime!();
    manner = how;
    await expect(registry!.serverTime!()).rejects.toMatchObject(UNAVAILABLE);
  });

  it('is not known where nobody answers, also when it was never told', async () => {
    await start(isSilent);
    await expect(registry!.serverTime!()).rejects.toMatchObject(UNAVAILABLE);
    await stop();
    await expect(registry!.serverTime!()).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
