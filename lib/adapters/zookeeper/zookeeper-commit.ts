import { RegistryRefusedError, RegistryUnavailableError, wholeError } from '../../core/registry/registry-errors.js';
import type { Write, WriteResult } from '../../core/registry/registry.js';
import type { Access } from './wire/requests.js';
import { SessionEndedError } from './zookeeper-errors.js';
import type { DocumentPlace, ZookeeperLayout } from './zookeeper-keys.js';
import type { ZookeeperLink } from './zookeeper-link.js';
import type { ZookeeperSession } from './zookeeper-session.js';
import { applyWrite, type WriteParts } from './zookeeper-write.js';

/** The server takes 1 MiB in one request and closes the connection on more. */
export const MAX_VALUE_BYTES = 900_000;
/** Under way at the same time. */
const PORTION_WRITES = 1_000;
const PORTION_LENGTH = 1_000_000;

/**
 * Sends the writes as single requests, many at a time on one connection: ZooKeeper carries them out in their order and
 * gathers them for its disk, and each has a result of its own. Writes of one document follow each other.
 */
export class ZookeeperCommitter {
  private readonly beingMade = new Map<string, Promise<void>>();
  private readonly parts: WriteParts;

  constructor(
    private readonly layout: ZookeeperLayout,
    private readonly connected: {
      readonly link: () => Promise<ZookeeperLink>;
      readonly session: (id: string) => ZookeeperSession | undefined;
    },
    parts: { access: Access; onGrave: (place: DocumentPlace, version: number) => void },
  ) {
    this.parts = { ...parts, ensure: (link, path) => this.ensure(link, path) };
  }

  async commit(writes: readonly Write[]): Promise<WriteResult[]> {
    for (const { key, value } of writes) refuseLargeValue(key, value);
    const link = await this.connected.link();
    const results: WriteResult[] = [];
    for (let next = 0; next < writes.length;) {
      const first = next;
      for (let length = 0; next < writes.length && next - first < PORTION_WRITES && length < PORTION_LENGTH; next++) {
        length += writes[next]!.value?.length ?? 0;
      }
      const outcomes = await Promise.allSettled(this.begin(writes.slice(first, next), link));
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure) {
        const someDone = first > 0 || outcomes.some((each) => each.status === 'fulfilled' || isUnknown(each.reason));
        throw wholeError(failure.reason, someDone);
      }
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') results.push(outcome.value);
    }
    return results;
  }

  private begin(writes: readonly Write[], link: ZookeeperLink): Promise<WriteResult>[] {
    const last = new Map<string, Promise<WriteResult>>();
    return writes.map((write) => {
      const before = last.get(write.key);
      const result = before ? before.then(() => this.apply(write, link)) : this.apply(write, link);
      last.set(write.key, result);
      return result;
    });
  }

  private async apply(write: Write, link: ZookeeperLink): Promise<WriteResult> {
    const place = this.layout.placeOf(write.key);
    if (write.session === undefined) return applyWrite(link, place, write, 0n, this.parts);
    const own = await this.connected.session(write.session)?.link();
    if (own === undefined || own === 'expired') return { ok: false, sessionExpired: true };
    const owner = write.value === undefined ? 0n : own.session.ticket.id;
    return applyWrite(own, place, write, owner, this.parts).catch((error: unknown) => {
      if (error instanceof SessionEndedError) return { ok: false, sessionExpired: true };
      throw error;
    });
  }

  private ensure(link: ZookeeperLink, path: string): Promise<void> {
    const known = this.beingMade.get(path);
    if (known) return known;
    const making = link.ensure(path).finally(() => this.beingMade.delete(path));
    this.beingMade.set(path, making);
    return making;
  }
}

const isUnknown = (error: unknown): boolean => error instanceof RegistryUnavailableError && error.outcomeUnknown;

function refuseLargeValue(key: string, value: string | undefined): void {
  if (value === undefined || value.length * 3 <= MAX_VALUE_BYTES) return;
  const bytes = Buffer.byteLength(value);
  if (bytes <= MAX_VALUE_BYTES) return;
  const message = `${key} takes ${bytes} bytes, ZooKeeper keeps at most ${MAX_VALUE_BYTES} in a node: make it smaller.`;
  throw new RegistryRefusedError(message);
}
