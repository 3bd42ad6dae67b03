import { withOutcome } from '../../core/registry/registry-errors.js';
import { systemRandom } from '../../core/common/ids.js';
import type { ConsulConnection } from './consul-connection.js';
import { set, transact, tree, unexpected } from './consul-txn.js';

/** Clients share gates, which costs a request now and then and leaves no more than so many behind. */
const GATES = 256;

/**
 * Keeps a write that was given up from being carried out after a later one. It may still be on its way: each request has
 * a connection of its own, and the network delivers late what it could not deliver at once. So every write demands that
 * its client's gate is as it was when the write was sent, and the first write after one of unknown outcome moves it.
 *
 *   unknown --read--> open --a write of unknown outcome--> doubtful --moved--> open
 *      ^-- another client moved it --'
 */
export class ConsulGate {
  readonly place: string;
  /** Version of the gate's document; unset unless open. */
  private index: number | undefined;
  private isDoubtful = false;
  private opening: Promise<void> | undefined;

  constructor(
    private readonly connection: ConsulConnection,
    folder: string,
  ) {
    const slot = Math.floor(systemRandom() * GATES);
    this.place = folder + slot.toString(16).padStart(2, '0');
  }

  /** What the gate must be when a write that is sent now is carried out. */
  async pass(): Promise<number> {
    try {
      while (this.index === undefined) {
        await (this.opening ??= this.open().finally(() => (this.opening = undefined)));
      }
      return this.index;
    } catch (error) {
      throw withOutcome(error, false); // The write itself has not been sent.
    }
  }

  /** The outcome of a write is unknown. */
  doubt(): void {
    this.isDoubtful = true;
    this.index = undefined;
  }

  /** A write found another one. */
  lost(index: number): void {
    if (this.index === index) this.index = undefined;
  }

  private async open(): Promise<void> {
    const mustMove = this.isDoubtful;
    this.isDoubtful = false;
    try {
      const index = (mustMove ? undefined : await this.find()) ?? (await this.move());
      if (!this.isDoubtful) this.index = index;
    } catch (error) {
      this.isDoubtful ||= mustMove;
      throw error;
    }
  }

  private async find(): Promise<number | undefined> {
    const answer = await transact(this.connection, [tree(this.place)], true);
    return 'pairs' in answer ? answer.pairs[0]?.ModifyIndex : undefined;
  }

  private async move(): Promise<number> {
    const answer = await transact(this.connection, [set(this.place, '')]);
    if ('errors' in answer) throw unexpected(answer.errors);
    return answer.pairs[0]!.ModifyIndex;
  }
}
