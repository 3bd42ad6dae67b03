import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Answers each request with `re:` and the request, and remembers what it got. */
class EchoServer {
  readonly got: string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      this.got.push(data.toString());
      socket.write(`re:${data.toString()}`);
    });
  });

  async listen(): Promise<{ host: string; port: number }> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

class Client {
  readonly socket: Socket;
  received = '';
  error: string | undefined;

  constructor({ host, port }: { host: string; port: number }) {
    this.socket = connect(port, host);
    this.socket.on('data', (data) => (this.received += data.toString()));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code));
  }

  async says(text: string, expected: string): Promise<void> {
    this.socket.write(text);
    await until(() => this.received.endsWith(expected));
  }
}

/** Waits for a fact, with a bound. */
async function until(fact: () => boolean, withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${fact.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('TcpProxy', () => {
  let server: EchoServer;
  let address: { host: string; port: number };
  let proxy: TcpProxy;
  const clients: Client[] = [];
  const dial = (): Client => {
    const client = new Client(proxy);
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    server = new EchoServer();
    address = await server.listen();
    proxy = await TcpProxy.to(address);
  });

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.stop();
    await server.stop();
  });

  it('passes bytes and an orderly end', async () => {
    const client = dial();
    await client.says('a', 're:a');
    client.socket.end();
    await until(() => proxy.connections === 0);
    expect(client.error).toBeUndefined();
  });

  it('delays each way and keeps the order', async () => {
    const client = dial();
    await client.says('a', 're:a');
    proxy.delay(60);
    const started = performance.now();
    await client.says('b', 're:b');
    expect(performance.now() - started).toBeGreaterThanOrEqual(118);
    client.socket.write('c');
    await until(() => server.got.at(-1) === 'c');
    proxy.delay(0);
    await client.says('d', 're:cre:d');
  });

  it('cuts with a reset, and lets new connections pass', async () => {
    const client = dial();
    await client.says('a', 're:a');
    proxy.cut();
    await until(() => client.error === 'ECONNRESET');
    await dial().says('b', 're:b');
  });

  it('refuses, and listens again on the same port', async () => {
    const first = dial();
    await first.says('a', 're:a');
    const { port } = proxy;
    await proxy.refuse();
    const second = dial();
    await until(() => first.error === 'ECONNRESET' && second.error === 'ECONNREFUSED');
    await proxy.pass();
    expect(proxy.port).toBe(port);
    await dial().says('b', 're:b');
  });

  it('holds requests, replies or both, and delivers them late', async () => {
    const client = dial();
    await client.says('a', 're:a');

    proxy.blackhole('replies');
    client.socket.write('b');
    await until(() => server.got.includes('b'));
    expect(client.received).toBe('re:a');
    await proxy.pass();
    await until(() => client.received === 're:are:b');

    proxy.blackhole();
    client.socket.write('c');
    const newcomer = dial();
    await once(newcomer.socket, 'connect');
    newcomer.socket.write('d');
    // Whatever gets through the proxy would have arrived before this detour does.
    const besides = new Client(address);
    clients.push(besides);
    await besides.says('x', 're:x');
    await besides.says('y', 're:y');
    expect(server.got).toEqual(['a', 'b', 'x', 'y']);

    proxy.blackhole('replies');
    await until(() => server.got.includes('c') && server.got.includes('d'));
    expect(client.received).toBe('re:are:b');
    await proxy.pass();
    await until(() => client.received.endsWith('re:c') && newcomer.received === 're:d');
  });

  it('does not tell the server that a client behind a black hole has gone', async () => {
    const client = dial();
    await client.says('a', 're:a');
    proxy.blackhole('requests');
    client.socket.resetAndDestroy();
    await once(client.socket, 'close');
    expect(proxy.connections).toBe(1);
    await proxy.pass();
    await until(() => proxy.connections === 0);
  });

  it('drops replies, then resets the connection that misses some', async () => {
    const [silent, lucky] = [dial(), dial()];
    await silent.says('a', 're:a');
    await lucky.says('b', 're:b');
    proxy.dropReplies();
    silent.socket.write('c');
    await until(() => server.got.includes('c'));
    await proxy.pass();
    await until(() => silent.error === 'ECONNRESET');
    expect(silent.received).toBe('re:a');
    await lucky.says('d', 're:d');
  });

  it('delivers a chosen request, loses its reply and cuts', async () => {
    const client = dial();
    const done = proxy.deliverThenCut((request) => request.toString().startsWith('claim'));
    await client.says('hello', 're:hello');
    client.socket.write('claim 1');
    await done;
    await until(() => client.error === 'ECONNRESET');
    expect(server.got).toEqual(['hello', 'claim 1']);
    expect(client.received).toBe('re:hello');
    await dial().says('claim 2', 're:claim 2');
  });

  it('resets a client whose server is down', async () => {
    await server.stop();
    const client = dial();
    await until(() => client.error === 'ECONNRESET');
  });
});
