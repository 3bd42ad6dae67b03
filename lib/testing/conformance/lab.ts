import { randomId, systemRandom } from '../../core/common/ids.js';
import type { Entry, Registry, RegistrySession, Write, WriteResult } from '../../core/registry/registry.js';
import { listAll } from '../../core/registry/keyspace.js';
import { Mirror } from './mirror.js';
import type { ConformanceSubject } from './subject.js';

/** One test's own corner of the store: keys nobody else uses, and clients that are closed when it ends. */
export class Lab {
  readonly prefix = `t${randomId(systemRandom, 10)}/docs/`;
  private readonly clients: Registry[] = [];
  private readonly mirrors: Mirror[] = [];

  constructor(readonly subject: ConformanceSubject) {}

  async client(): Promise<Registry> {
    return this.adopt(await this.subject.create());
  }

  /** Connects a client and closes it when the test ends. */
  async adopt(client: Registry): Promise<Registry> {
    this.clients.push(client);
    await client.connect();
    return client;
  }

  async unconnectedClient(): Promise<Registry> {
    const client = await this.subject.create();
    this.clients.push(client);
    return client;
  }

  key(name: string | number): string {
    return `${this.prefix}${name}`;
  }

  /** A session that is as short as the store allows, within reason. */
  async session(client: Registry): Promise<RegistrySession> {
    return client.openSession({ ttlMs: Math.max(1_000, client.capabilities.minSessionTtlMs) });
  }

  /** By when a session that nobody renews must have ended, for readers and watchers. */
  endsWithin(client: Registry, session: RegistrySession): number {
    return session.ttlMs * 2 + client.capabilities.ttlResolutionMs * 2 + 5_000;
  }

  async mirror(client: Registry): Promise<Mirror> {
    const mirror = await Mirror.of(client, this.prefix);
    this.mirrors.push(mirror);
    return mirror;
  }

  async values(client: Registry): Promise<Record<string, string>> {
    const entries = await listAll(client, this.prefix);
    return Object.fromEntries(entries.map(({ key, value }) => [key.slice(this.prefix.length), value]));
  }

  async close(): Promise<void> {
    for (const mirror of this.mirrors) mirror.dispose();
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

export async function commitOne(client: Registry, write: Write): Promise<WriteResult> {
  const [result] = await client.commit([write]);
  return result!;
}

/** For writes that must succeed. */
export async function mustCommit(client: Registry, write: Write): Promise<{ revision: string; token: bigint }> {
  const result = await commitOne(client, write);
  if (!result.ok) throw new Error(`the write of ${write.key} was not done: ${describeFailure(result)}`);
  return result;
}

/** For documents that must be there. */
export async function mustGet(client: Registry, key: string): Promise<Entry> {
  const entry = await client.get(key, { fresh: true });
  if (!entry) throw new Error(`${key} is not there`);
  return entry;
}

function describeFailure(result: WriteResult & { ok: false }): string {
  if (result.sessionExpired) return 'the session is over';
  return result.current ? `revision ${result.current.revision} stands there` : 'nothing stands there';
}
