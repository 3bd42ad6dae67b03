import type { SessionKeeper } from '../cluster/session-keeper.js';
import { decodeNode } from '../cluster/node-record.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import { TIMED_OUT, withTimeout, type Clock, type EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import { WaitingLine } from '../execution/waiting-line.js';
import { keys } from '../registry/keyspace.js';
import type { Change, Registry } from '../registry/registry.js';
import { updateDocument, type Decision, type DocumentPort } from '../registry/update-document.js';
import { type GroupLimits, limitsOf } from '../task/group-limits.js';
import { decodeGroup, giveRoom, type GroupHolder, type GroupState, type TakeOutcome, takeRoom } from './group-state.js';

/** Room for one run in its group. */
export interface Permit {
  readonly group: string;
  readonly run: string;
  readonly takenAt: EpochMs;
}

/** Whoever waits for room looks again after this long: a watch may lose what would wake it. */
const POLL_MS = 5_000;

export interface GroupsNode {
  readonly id: string;
  readonly boot: string;
}

/**
 * Limits that hold for several tasks together, in the whole cluster. Who holds room stands in one document for each group,
 * so that the limit holds whatever becomes of nodes: what a dead one held is free once its session is over.
 */
export class Groups {
  private readonly lines = new Map<string, WaitingLine>();
  private watching?: Promise<Disposable>;
  private closed = false;

  constructor(
    private readonly registry: Registry,
    private readonly port: DocumentPort,
    private readonly clock: Clock,
    private readonly keeper: SessionKeeper,
    private readonly view: ClusterView,
    private readonly node: GroupsNode,
    private readonly limits: Readonly<Record<string, GroupLimits>>,
    private readonly logger: LoggerPort,
  ) {}

  /** Whether runs of this group need room, as far as this node is configured. */
  has(group: string | undefined): group is string {
    return group !== undefined && limitsOf(this.limits, group) !== undefined;
  }

  /**
   * Takes room for a run, or tells until when there is none. `force`: it goes on, whatever the limits.
   * @throws RegistryUnavailableError
   */
  async take(
    group: string,
    run: string,
    options: { force?: boolean } = {},
  ): Promise<Permit | Exclude<TakeOutcome, 'taken'>> {
    const session = this.keeper.session;
    if (!session) return 'full';
    const holder: GroupHolder = { run, node: this.node.id, boot: this.node.boot, session: session.id };
    const now = this.clock.now();
    let dead = new Set<string>();
    for (let look = 1; ; look++) {
      let held: readonly GroupHolder[] = [];
      const outcome = await this.update(
        group,
        (state) => {
          held = state.holders;
          const isDead = (other: GroupHolder): boolean => dead.has(`${other.run} ${other.session}`);
          return takeRoom(state, limitsOf(this.limits, group) ?? {}, holder, now, { ...options, isDead });
        },
        () => this.keeper.session === session && !this.closed,
      );
      if (outcome === 'taken') return { group, run, takenAt: now };
      if (outcome !== 'full' || look > 1) return outcome;
      dead = await this.deadOf(held);
      if (dead.size === 0) return outcome;
    }
  }

  /** Waits for room and takes it. `undefined` once `giveUp` says so. */
  async enter(group: string, run: string, priority: number, giveUp: () => boolean): Promise<Permit | undefined> {
    while (!giveUp()) {
      const taken = await this.take(group, run);
      if (typeof taken === 'object' && 'run' in taken) return taken;
      let waiting: Disposable | undefined;
      const woken = new Promise<void>((wake) => (waiting = this.whenFree(group, priority, wake)));
      const waitMs = taken === 'full' ? POLL_MS : Math.max(0, taken.at - this.clock.now());
      if ((await withTimeout(this.clock, woken, Math.min(waitMs, POLL_MS))) === TIMED_OUT) waiting?.dispose();
    }
    return undefined;
  }

  /** Gives room back. `unused`: its run has not started. Never rejects: it is tried until this node has left. */
  async give({ group, run, takenAt }: Permit, { unused = false }: { unused?: boolean } = {}): Promise<void> {
    try {
      await this.update(
        group,
        (state) => {
          const next = giveRoom(state, run, unused ? takenAt : undefined);
          return { outcome: undefined, ...(next && { next }) };
        },
        () => !this.closed,
      );
    } catch (error) {
      this.logger.debug('Room in a group is given back by the end of the session', {
        group,
        reason: errorMessage(error),
      });
    }
    this.lines.get(group)?.wakeNext();
  }

  /** Calls `wake` once, when there may be room; it still has to take it. */
  whenFree(group: string, priority: number, wake: () => void): Disposable {
    if (!this.closed) this.watch();
    let line = this.lines.get(group);
    if (!line) this.lines.set(group, (line = new WaitingLine(this.clock)));
    const poll = this.clock.setTimer(POLL_MS, () => {
      waiting.dispose();
      wake();
    });
    const waiting = line.join(priority, () => {
      poll.dispose();
      wake();
    });
    return {
      dispose: () => {
        waiting.dispose();
        poll.dispose();
      },
    };
  }

  dispose(): void {
    this.closed = true;
    this.watching?.then(
      (watch) => watch.dispose(),
      () => undefined, // it never came about
    );
  }

  private watch(): void {
    this.watching ??= this.registry.watch(keys.groups, (change) => this.see(change));
    this.watching.catch(() => (this.watching = undefined)); // whoever waits looks again in a while
  }

  private see(change: Change): void {
    if (change.type === 'resync') for (const group of this.lines.keys()) this.wake(group, 1);
    else if (change.type === 'deleted') this.wake(change.key.slice(keys.groups.length), Infinity);
    else this.wake(change.entry.key.slice(keys.groups.length), Infinity, decodeGroup(change.entry.value));
  }

  /** As many as there may be room for. */
  private wake(group: string, most: number, { holders }: Pick<GroupState, 'holders'> = { holders: [] }): void {
    const line = this.lines.get(group);
    const limit = limitsOf(this.limits, group)?.concurrency ?? Infinity;
    for (let room = Math.min(most, limit - holders.length); room > 0 && line?.wakeNext(); room--);
  }

  /** Of these holders the ones whose node is gone, or has another session: by a fresh read, as for runs. */
  private async deadOf(holders: readonly GroupHolder[]): Promise<Set<string>> {
    const dead = new Set<string>();
    for (const { run, node, boot, session } of holders) {
      const seen = this.view.get(node);
      if (seen?.boot === boot && seen.session === session) continue;
      const entry = await this.registry.get(keys.node(node), { fresh: true });
      const now = entry && decodeNode(entry.value);
      const isAlive = now?.boot === boot && (now.session === session || now.status !== 'working');
      if (!isAlive) dead.add(`${run} ${session}`);
    }
    return dead;
  }

  private async update<T>(
    group: string,
    decide: (state: GroupState) => { outcome: T; next?: GroupState },
    again: () => boolean,
  ): Promise<T> {
    const { result } = await updateDocument<T>(
      this.port,
      keys.group(group),
      (entry): Decision<T> => {
        const { outcome, next } = decide(decodeGroup(entry?.value));
        if (!next) return { keep: outcome };
        const isEmpty = next.holders.length === 0 && next.starts.length === 0;
        return isEmpty ? { remove: true, result: outcome } : { write: JSON.stringify(next), result: outcome };
      },
      { clock: this.clock, known: 'unread', again },
    );
    return result;
  }
}
