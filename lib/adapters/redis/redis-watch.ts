import type { Disposable } from '../../core/common/disposable.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { Change } from '../../core/registry/registry.js';
import type { RedisConnection } from './redis-connection.js';
import { entryOf, pairsOf } from './redis-document.js';
import type { RedisLayout } from './redis-keys.js';

const PAGE = '500';

interface Listener {
  readonly prefix: string;
  readonly tell: (change: Change) => void;
}

/**
 * Follows the change log and tells listeners. The position is an entry of the log; every change after it is delivered,
 * or, when that entry is no longer there, `resync`.
 *
 * Two ways lead forward. A message names the position before and after and carries the changes: where the first is
 * ours, it is delivered as it is, without another request. In every other case (first message after a gap, a message
 * too large to carry its changes, a poll that saw a newer position, a new subscription) the log is read.
 *
 *   unset --first watch--> at a position --message fits--> at its end
 *                              |  ^----- read the log to its end -----'
 *                              '--last watch disposed--> unset
 */
export class RedisWatches {
  private readonly listeners = new Set<Listener>();
  private position: string | undefined;
  private reading: Promise<void> | undefined;
  private readAgain = false;

  constructor(
    private readonly connection: RedisConnection,
    private readonly layout: RedisLayout,
    private readonly logger: LoggerPort,
  ) {}

  get isActive(): boolean {
    return this.listeners.size > 0;
  }

  async add(prefix: string, tell: (change: Change) => void): Promise<Disposable> {
    if (this.layout.mayHoldUnwatched(prefix)) {
      const cure = "name a namespace and a kind of documents that is watched, as 'shop/tasks/'";
      throw new RegistryRefusedError(`A watch on '${prefix}' would miss changes that are not logged; ${cure}.`);
    }
    const listener = { prefix, tell };
    this.listeners.add(listener);
    try {
      await this.findPosition();
    } catch (error) {
      this.remove(listener);
      throw error;
    }
    return { dispose: () => this.remove(listener) };
  }

  /** The channel's message: position before, position after, then key, document or false, … */
  onMessage(text: string): void {
    if (this.position === undefined) return;
    const [before, after, ...changes] = parsed(text);
    if (after === undefined || Number(after) <= Number(this.position)) return;
    if (this.reading || before !== this.position || changes.length === 0) return this.readOn();
    this.position = after;
    this.deliver(changes);
  }

  /** The newest position, as a poll saw it. */
  onHead(head: string): void {
    if (this.position !== undefined && head !== this.position) this.readOn();
  }

  /** Reads the log to its end, once more if it is being read already. */
  readOn(): void {
    if (this.reading) {
      this.readAgain = true;
      return;
    }
    this.reading = this.read()
      .catch((error: unknown) => {
        // The position stays; the next poll, message or connection tries again.
        if (error instanceof RegistryUnavailableError) return;
        this.logger.error('The Redis change log cannot be read', { error });
      })
      .finally(() => {
        this.reading = undefined;
        if (this.readAgain) {
          this.readAgain = false;
          this.readOn();
        }
      });
  }

  stop(): void {
    this.listeners.clear();
    this.position = undefined;
  }

  private async read(): Promise<void> {
    for (let more = true; more;) {
      const from = this.position;
      if (from === undefined) return;
      const answer = (await this.connection.run('changes', this.layout.home, [from, PAGE])) as string[];
      if (this.position !== from) return; // All listeners left meanwhile.
      this.position = answer[1]!;
      if (answer[0] === 'resync') for (const { tell } of [...this.listeners]) tell({ type: 'resync' });
      else this.deliver(answer.slice(2));
      more = answer[0] === 'more';
    }
  }

  /** Keeps an older position where there is one: what came since is then delivered to the new listener as well. */
  private async findPosition(): Promise<void> {
    if (this.position !== undefined) return;
    const answer = (await this.connection.run('changes', this.layout.home, ['', PAGE])) as string[];
    if (!this.isActive || this.position !== undefined) return;
    this.position = answer[1]!;
    // A message may have overtaken the answer, and was not for us yet.
    this.readOn();
  }

  private deliver(changes: readonly string[]): void {
    for (const [key, document] of pairsOf(changes, 0)) {
      const interested = [...this.listeners].filter(({ prefix }) => key.startsWith(prefix));
      if (interested.length === 0) continue;
      const change: Change = document ? { type: 'put', entry: entryOf(key, document) } : { type: 'deleted', key };
      for (const listener of interested) if (this.listeners.has(listener)) listener.tell(change);
    }
  }

  private remove(listener: Listener): void {
    this.listeners.delete(listener);
    if (this.listeners.size === 0) this.position = undefined;
  }
}

/** A message that somebody else published on the channel is no news. */
function parsed(text: string): string[] {
  try {
    const message: unknown = JSON.parse(text);
    return Array.isArray(message) ? (message as string[]) : [];
  } catch {
    return [];
  }
}
