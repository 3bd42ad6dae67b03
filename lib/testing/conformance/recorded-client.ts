import type { Random } from '../../core/common/ids.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { Entry, Registry, Write, WriteResult } from '../../core/registry/registry.js';
import type { Operation } from './linearizable.js';
import { elapsedMs } from './real-time.js';
import { pick } from '../seeded-random.js';

/** Does random calls on a few documents and writes down what it saw, for the checker. */
export class RecordedClient {
  private readonly known = new Map<string, Entry>();
  private count = 0;

  constructor(
    private readonly id: number,
    private readonly registry: Registry,
    private readonly random: Random,
    private readonly histories: Map<string, Operation[]>,
  ) {}

  /** One call; false when nothing came of it, not even an open question. */
  async step(key: string): Promise<boolean> {
    return this.random() < 0.35 ? this.read(key) : this.write(key);
  }

  private async read(key: string): Promise<boolean> {
    const calledAt = elapsedMs();
    try {
      const entry = await this.registry.get(key, { fresh: true });
      this.learn(key, entry);
      return this.record(key, { calledAt, returnedAt: elapsedMs(), what: { type: 'read', saw: entry?.value } });
    } catch (error) {
      if (error instanceof RegistryUnavailableError) return false; // A read that failed says nothing.
      throw error;
    }
  }

  private async write(key: string): Promise<boolean> {
    const known = this.known.get(key);
    const condition = pick(this.random, ['any', 'absent', 'known', 'known', 'known'] as const);
    const value = this.random() < 0.2 ? undefined : `${this.id}.${++this.count}`;
    const if_ = condition === 'known' ? (known?.revision ?? 'absent') : condition === 'absent' ? 'absent' : undefined;
    const expected = if_ === undefined ? 'any' : { value: if_ === 'absent' ? undefined : known!.value };
    const write: Write = { key, ...(value !== undefined && { value }), ...(if_ !== undefined && { if: if_ }) };
    const calledAt = elapsedMs();
    try {
      const [result] = await this.registry.commit([write]);
      const returnedAt = elapsedMs();
      const outcome = this.outcomeOf(key, value, result!);
      return this.record(key, { calledAt, returnedAt, what: { type: 'write', value, if: expected, outcome } });
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError)) throw error;
      if (!error.outcomeUnknown) return false;
      return this.record(key, { calledAt, what: { type: 'write', value, if: expected } });
    }
  }

  private outcomeOf(key: string, value: string | undefined, result: WriteResult) {
    if (!result.ok) {
      this.learn(key, result.current);
      return { ok: false as const, saw: result.current?.value };
    }
    const { revision, token } = result;
    this.learn(key, value === undefined ? undefined : { key, value, revision, token });
    return { ok: true as const };
  }

  private learn(key: string, entry: Entry | undefined): void {
    if (entry) this.known.set(key, entry);
    else this.known.delete(key);
  }

  private record(key: string, operation: Omit<Operation, 'client'>): true {
    const history = this.histories.get(key) ?? [];
    this.histories.set(key, history);
    history.push({ client: this.id, ...operation });
    return true;
  }
}
