import { RegistryRefusedError, RegistryUnavailableError, wholeError } from '../../core/registry/registry-errors.js';
import type { Write, WriteResult } from '../../core/registry/registry.js';
import type { RedisConnection } from './redis-connection.js';
import { writeResultOf } from './redis-document.js';
import type { KeyGroup, RedisLayout } from './redis-keys.js';

/** Bounds on one script call: it runs alone on the server, and nobody else is served meanwhile. */
const CALL_WRITES = 500;
const CALL_LENGTH = 1_000_000;

/**
 * Sends the writes in as few script calls as the bounds allow. The calls of one group follow each other, so the order
 * per key is kept; groups, which only a Redis Cluster has several of, go at the same time.
 */
export class RedisCommitter {
  constructor(
    private readonly connection: RedisConnection,
    private readonly layout: RedisLayout,
    private readonly replicas: { readonly wanted: number; readonly withinMs: number },
  ) {}

  async commit(writes: readonly Write[]): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    const positions = new Map<KeyGroup, number[]>();
    writes.forEach((write, at) => {
      const group = this.groupOf(write);
      const known = positions.get(group);
      if (known) known.push(at);
      else positions.set(group, [at]);
    });
    const progress = { calls: 0 };
    const groups = [...positions].map(([group, at]) => this.commitTo(group, at, writes, results, progress));
    for (const outcome of await Promise.allSettled(groups)) {
      if (outcome.status === 'rejected') throw wholeError(outcome.reason, progress.calls > 0);
    }
    return results;
  }

  private groupOf({ key, session }: Write): KeyGroup {
    const group = this.layout.groupOf(key);
    if (session === undefined || group === this.layout.home) return group;
    const message = `${key} cannot be bound to a session: on a Redis Cluster documents of this kind live in other slots.`;
    throw new RegistryRefusedError(message);
  }

  private async commitTo(
    group: KeyGroup,
    positions: readonly number[],
    writes: readonly Write[],
    results: WriteResult[],
    progress: { calls: number },
  ): Promise<void> {
    for (let next = 0; next < positions.length;) {
      const first = next;
      const args: string[] = [];
      for (let length = 0; next < positions.length && next - first < CALL_WRITES && length < CALL_LENGTH; next++) {
        const write = writes[positions[next]!]!;
        args.push(write.key, this.operationOf(write), write.if ?? '', write.session ?? '', write.value ?? '');
        length += write.key.length + (write.value?.length ?? 0);
      }
      const reply = (await this.connection.run('commit', group, args)) as string[];
      progress.calls++;
      reply.forEach((result, i) => {
        const at = positions[first + i]!;
        results[at] = writeResultOf(writes[at]!.key, result);
      });
      if (this.replicas.wanted > 0 && reply.some((result) => result.startsWith('+'))) await this.confirm();
    }
  }

  private operationOf({ key, value }: Write): string {
    const operation = value === undefined ? 'D' : 'P';
    return this.layout.isLogged(key) ? operation : operation.toLowerCase();
  }

  private async confirm(): Promise<void> {
    const { wanted, withinMs } = this.replicas;
    const got = Number(await this.connection.send('wait', wanted, withinMs));
    if (got >= wanted) return;
    const message = `Written, but only ${got} of ${wanted} replicas confirmed it within ${withinMs} ms.`;
    throw new RegistryUnavailableError(message, { outcomeUnknown: true });
  }
}
