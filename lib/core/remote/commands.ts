import type { ClusterView } from '../cluster/cluster-view.js';
import type { SessionKeeper } from '../cluster/session-keeper.js';
import { sleep, type Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { errorMessage } from '../common/errors.js';
import { randomId, type Random } from '../common/ids.js';
import type { LoggerPort } from '../common/logger.js';
import { keys, listAll } from '../registry/keyspace.js';
import type { Change, Entry, Registry } from '../registry/registry.js';
import { type Command, type CommandReply, decodeCommand } from './command.js';

/** What waits for an answer looks for it this often too: a watch may lose it. */
const POLL_MS = 1_000;
const ID_LENGTH = 12;

/**
 * Messages between nodes, as documents of the registry: a node watches those addressed to it, does what they ask, and
 * answers in the same way. Each is bound to the session of its sender, so nothing is left of nodes that died, and removed
 * by its receiver.
 */
export class Commands {
  /** What this node does on command. @returns whether it could be done */
  onCommand: (command: Command) => boolean | Promise<boolean> = () => false;
  private readonly waiting = new Map<string, (reply: CommandReply) => void>();
  /** Taken already: a list may show what a watch has told. */
  private readonly taken = new Set<string>();
  private watching?: Promise<Disposable>;
  private closed = false;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly keeper: SessionKeeper,
    private readonly view: ClusterView,
    private readonly nodeId: string,
    private readonly random: Random,
    private readonly logger: LoggerPort,
  ) {}

  /** Hears what is addressed to this node from now on, and takes what has been sent before. */
  async listen(): Promise<void> {
    if (this.closed) return;
    this.watching ??= this.registry.watch(keys.commands(this.nodeId), (change) => this.see(change));
    await this.watching.catch((error: unknown) => {
      this.watching = undefined;
      throw error;
    });
    await this.readAll();
  }

  dispose(): void {
    this.closed = true;
    this.watching?.then(
      (watch) => watch.dispose(),
      () => undefined, // it never came about
    );
  }

  /**
   * Asks another node and waits for its answer. `undefined`: there was none in time, or that node is gone.
   * @throws RegistryUnavailableError, or `undefined` where this node is in no session to ask from
   */
  async ask(nodeId: string, what: Omit<Command, 'id' | 'from'>, timeoutMs: number): Promise<boolean | undefined> {
    const session = this.keeper.session;
    if (!session) return undefined;
    const command: Command = { id: randomId(this.random, ID_LENGTH), from: this.nodeId, ...what };
    const key = keys.command(nodeId, command.id);
    const over = new AbortController();
    let answer: boolean | undefined;
    this.waiting.set(command.id, ({ done }) => {
      answer = done;
      over.abort();
    });
    try {
      await this.registry.commit([{ key, value: JSON.stringify(command), session: session.id }]);
      const until = this.clock.monotonic() + timeoutMs;
      while (!over.signal.aborted && this.clock.monotonic() < until && this.view.get(nodeId)) {
        await sleep(this.clock, Math.min(POLL_MS, until - this.clock.monotonic()), over.signal);
        if (!over.signal.aborted) await this.readAll();
      }
      if (answer === undefined) await this.registry.commit([{ key }]); // withdrawn
      return answer;
    } finally {
      this.waiting.delete(command.id);
    }
  }

  private see(change: Change): void {
    if (change.type === 'put') void this.take(change.entry);
    else if (change.type === 'resync') this.readAll().catch(() => undefined); // who waits for an answer looks for it too
  }

  private async readAll(): Promise<void> {
    const entries = await listAll(this.registry, keys.commands(this.nodeId));
    await Promise.all(entries.map((entry) => this.take(entry)));
  }

  private async take({ key, value }: Entry): Promise<void> {
    const message = decodeCommand(value);
    if (!message || this.taken.has(key)) return;
    this.taken.add(key);
    try {
      if ('done' in message) this.waiting.get(message.id)?.(message);
      else await this.obey(message);
      await this.registry.commit([{ key }]);
    } catch (error) {
      this.logger.debug('A command could not be answered; its sender gives up in time', {
        reason: errorMessage(error),
      });
    } finally {
      this.taken.delete(key);
    }
  }

  private async obey(command: Command): Promise<void> {
    const reply: CommandReply = { id: command.id, done: await this.onCommand(command) };
    const session = this.keeper.session;
    if (!session) return;
    const key = keys.command(command.from, `${command.id}.reply`);
    await this.registry.commit([{ key, value: JSON.stringify(reply), session: session.id }]);
  }
}
