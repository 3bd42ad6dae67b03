import { afterEach, describe, expect, it } from '@jest/globals';
import type { Client } from '@grpc/grpc-js';
import { EtcdConnection } from '../../lib/adapters/etcd/etcd-connection.js';
import type { EtcdClients } from '../../lib/adapters/etcd/etcd-library.js';
import { resolveEtcdOptions, type EtcdRegistryOptions } from '../../lib/adapters/etcd/etcd-options.js';
import { systemClock } from '../../lib/core/common/clock.js';

const READY = 2;

interface Asked {
  /** The first connection to `a` is `a1`, the next one `a2`. */
  connection: string;
  method: string;
  token: string | undefined;
}

/** Members that always connect, and answer a call with what `answer` gives: a reply, the text of an error, or nothing ever. */
class Members {
  readonly asked: Asked[] = [];
  readonly closed: string[] = [];
  private readonly counts = new Map<string, number>();

  constructor(private readonly answer: (asked: Asked) => object | string | undefined) {}

  get clients(): EtcdClients {
    return {
      methods: (name) => ({ path: name, requestStream: false }) as ReturnType<EtcdClients['methods']>,
      metadata: (token) => ({ token }) as unknown as ReturnType<EtcdClients['metadata']>,
      open: (address) => this.open(address.split(':')[0]!),
      READY,
      FAILED: 3,
    };
  }

  private open(host: string): Client {
    const count = (this.counts.get(host) ?? 0) + 1;
    this.counts.set(host, count);
    const connection = `${host}${count}`;
    const client = {
      getChannel: () => ({ getConnectivityState: () => READY, watchConnectivityState: () => undefined }),
      close: () => this.closed.push(connection),
      makeUnaryRequest: (...args: unknown[]) => {
        const [method, , , , { token }, , done] = args as [string, 0, 0, 0, { token?: string }, 0, Done];
        const asked = { connection, method, token };
        this.asked.push(asked);
        const answer = this.answer(asked);
        const fail = (details: string): void => done({ code: details.includes('auth') ? 16 : 14, details });
        if (typeof answer === 'string') queueMicrotask(() => fail(answer));
        else if (answer) queueMicrotask(() => done(null, answer));
        return { cancel: () => fail('Cancelled on client') };
      },
    };
    return client as unknown as Client;
  }
}

type Done = (failure: { code: number; details: string } | null, response?: object) => void;

describe('the connection to etcd', () => {
  let connection: EtcdConnection;
  const open = (members: Members, options: Partial<EtcdRegistryOptions> = {}): EtcdConnection => {
    const resolved = resolveEtcdOptions({ endpoints: 'http://a,http://b', callTimeout: 20, ...options });
    connection = new EtcdConnection(members.clients, resolved, systemClock);
    connection.open();
    return connection;
  };
  const range = (): Promise<unknown> => connection.call('KV/Range', { key: Buffer.from('k') });
  const failed = (): Promise<unknown> => range().catch((error: unknown) => error);
  afterEach(() => connection.close());

  it('stays with one member while that answers', async () => {
    const members = new Members(() => ({}));
    open(members);
    for (let i = 0; i < 5; i++) await range();
    expect(new Set(members.asked.map((asked) => asked.connection)).size).toBe(1);
  });

  it('asks another member after one that has no leader, and sends nothing twice', async () => {
    const members = new Members(() => 'etcdserver: no leader');
    open(members);
    for (let i = 1; i <= 4; i++) {
      expect(await failed()).toMatchObject({ outcomeUnknown: false });
      expect(members.asked).toHaveLength(i);
    }
    const hosts = members.asked.map((asked) => asked.connection);
    expect(hosts[0]).not.toBe(hosts[1]);
    expect(hosts).toEqual([hosts[0], hosts[1], hosts[0], hosts[1]]);
    expect(members.closed).toEqual([]);
  });

  it('drops a connection that stays silent, also where there is one member only', async () => {
    const members = new Members((asked) => (asked.connection === 'a1' ? undefined : {}));
    open(members, { endpoints: 'http://a' });
    const [first, second] = await Promise.all([failed(), failed()]);
    expect([first, second]).toMatchObject([{ outcomeUnknown: true }, { outcomeUnknown: true }]);
    expect(members.closed).toEqual(['a1']);
    await range();
    expect(members.asked.map((asked) => asked.connection)).toEqual(['a1', 'a1', 'a2']);
  });

  it('logs in once for many calls, and again for those whose login has expired', async () => {
    let valid = 0;
    const members = new Members(({ method, token }) => {
      if (method === 'Auth/Authenticate') return { token: `t${++valid}` };
      return token === `t${valid}` ? {} : 'etcdserver: invalid auth token';
    });
    open(members, { username: 'u', password: 'p' });
    await Promise.all([range(), range()]);
    valid++;
    await Promise.all([range(), range()]);
    expect(members.asked.map(({ method, token }) => `${method} ${token}`)).toEqual([
      'Auth/Authenticate undefined',
      'KV/Range t1',
      'KV/Range t1',
      'KV/Range t1',
      'KV/Range t1',
      'Auth/Authenticate undefined',
      'KV/Range t3',
      'KV/Range t3',
    ]);
  });

  it('ends what is under way when it is closed', async () => {
    open(new Members(() => undefined), { callTimeout: '1m' });
    const call = failed();
    await new Promise((resolve) => setImmediate(resolve));
    connection.close();
    expect(await call).toMatchObject({ outcomeUnknown: true });
    await expect(range()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
  });
});
