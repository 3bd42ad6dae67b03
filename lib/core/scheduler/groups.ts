import type { SessionKeeper } from '../cluster/session-keeper.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import type { Clock, EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import { keys } from '../registry/keyspace.js';
import type { Change, Registry } from '../registry/registry.js';
import { insist } from '../registry/insist.js';
import type { DocumentPort } from '../registry/update-document.js';
import { type GroupLimits, limitsOf } from '../task/group-limits.js';
import { GroupGate } from './group-gate.js';
import { isDead } from './is-dead.js';
import { giveRoom, type GroupHolder, keepRoom, takeRoom } from './group-state.js';

/** Room for one run in its group. */
export interface Permit {
  readonly group: string;
  readonly run: string;
  /** Of this room alone: nobody else's is given back by it. */
  readonly id: string;
}

/** What decides who goes first. */
export interface Turn {
  priority: number;
  /** When it began to wait, in monotonic milliseconds. */
  since: number;
}

export interface TakeOptions {
  /** The run goes on, whatever the limits. */
  force?: boolean;
  /** Without one it waits for nobody. */
  turn?: Turn;
  /** When the run starts, for the rate. @default at once */
  startsAt?: (now: EpochMs) => EpochMs;
}

export interface GroupsNode {
  readonly id: string;
  readonly boot: string;
}

/**
 * Limits that hold for several tasks together, in the whole cluster. Who holds room stands in one document for each group,
 * so that the limit holds whatever becomes of nodes: what a dead one held is free once its session is over.
 */
export class Groups {
  private readonly gates = new Map<string, GroupGate>();
  private readonly looking = new Map<string, Promise<ReadonlySet<string>>>();
  private watching?: Promise<Disposable>;
  private taken = 0;
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

  /** Whether it has limits that this node does not know. */
  lacks(group: string | undefined): group is string {
    return group !== undefined && !this.has(group);
  }

  /**
   * Takes room for a run. `undefined` where there is none, or others wait for it whose turn comes first.
   * @throws RegistryUnavailableError
   */
  async take(
    group: string,
    run: string,
    { force = false, turn, startsAt = (now) => now }: TakeOptions = {},
  ): Promise<Permit | undefined> {
    const { session } = this.keeper;
    if (!session || (turn && this.gate(group).letPass(turn.priority, turn.since))) return undefined;
    const permit: Permit = { group, run, id: `${this.node.boot}-${++this.taken}` };
    const holder = this.holder(permit, session.id);
    const limits = this.limitsOf(group);
    const isOn = (): boolean => this.keeper.session === session && !this.closed;
    const attempt = (dead: ReadonlySet<string>): Promise<boolean> =>
      this.gate(group).change((state) => {
        const now = this.clock.now();
        if (!isOn()) return { ...giveRoom(state, limits, permit.id, now, { unused: true }), outcome: false }; // it may have entered, unheard
        const isGone = ({ id }: GroupHolder): boolean => dead.has(id);
        return takeRoom(state, limits, holder, now, { force, startsAt: startsAt(now), isDead: isGone });
      }, isOn);
    if (await attempt(new Set())) return permit;
    const dead = await this.deadIn(group);
    return dead.size > 0 && (await attempt(dead)) ? permit : undefined;
  }

  /** The node has a new session: its room is bound to that. Never rejects: at worst the run does not count for a while. */
  async keep(permit: Permit): Promise<void> {
    const { session } = this.keeper;
    if (!session) return;
    const holder = this.holder(permit, session.id);
    const isOn = (): boolean => this.keeper.session === session && !this.closed;
    await this.politely(permit, isOn, (gate) =>
      gate.change((state) => keepRoom(state, holder, this.clock.now()), isOn),
    );
  }

  /** Gives room back. `unused`: its run has not started. Never rejects: it is tried until this node has left. */
  async give(permit: Permit, { unused = false } = {}): Promise<void> {
    const { id, group } = permit;
    const limits = this.limitsOf(group);
    const isOn = (): boolean => !this.closed;
    await this.politely(permit, isOn, (gate) =>
      gate.change((state) => giveRoom(state, limits, id, this.clock.now(), { unused }), isOn),
    );
  }

  /**
   * Calls `wake` once, when there may be room; it still has to take it.
   * @param since when it began to wait, in monotonic milliseconds: who comes back in vain keeps its place
   */
  whenFree(group: string, priority: number, wake: () => void, since?: number): Disposable {
    if (this.closed) return { dispose: () => undefined };
    this.watch();
    return this.gate(group).whenFree(priority, wake, since);
  }

  /** Who was woken for room of this group has not taken it: the next one may. */
  passOn(group: string): void {
    this.gates.get(group)?.wake();
  }

  dispose(): void {
    this.closed = true;
    for (const gate of this.gates.values()) gate.dispose();
    this.watching?.then(
      (watch) => watch.dispose(),
      () => undefined, // it never came about
    );
  }

  private gate(group: string): GroupGate {
    let gate = this.gates.get(group);
    if (!gate) {
      const onRest = (): void => void this.gates.delete(group);
      gate = new GroupGate(keys.group(group), this.limitsOf(group), this.port, this.clock, onRest);
      if (this.closed) gate.dispose();
      else this.gates.set(group, gate);
    }
    return gate;
  }

  private limitsOf(group: string): GroupLimits {
    return limitsOf(this.limits, group) ?? {};
  }

  private holder({ id, run }: Permit, session: string): GroupHolder {
    return { id, run, node: this.node.id, boot: this.node.boot, session };
  }

  private watch(): void {
    this.watching ??= this.registry.watch(keys.groups, (change) => this.see(change));
    this.watching.catch(() => (this.watching = undefined)); // whoever waits looks again in a while
  }

  private see(change: Change): void {
    if (change.type === 'resync') for (const gate of this.gates.values()) gate.wake(1);
    else if (change.type === 'deleted') this.gates.get(change.key.slice(keys.groups.length))?.see(undefined);
    else this.gates.get(change.entry.key.slice(keys.groups.length))?.see(change.entry);
  }

  /** Of those who hold room the ones that are gone. Whoever asks meanwhile gets the same answer. */
  private deadIn(group: string): Promise<ReadonlySet<string>> {
    let look = this.looking.get(group);
    if (!look) {
      look = this.deadOf(this.gate(group).state.holders).finally(() => this.looking.delete(group));
      this.looking.set(group, look);
    }
    return look;
  }

  private async deadOf(holders: readonly GroupHolder[]): Promise<Set<string>> {
    const dead = new Set<string>();
    for (const holder of holders) {
      const seen = this.view.get(holder.node);
      if (seen?.boot === holder.boot && seen.session === holder.session) continue;
      if (await isDead(this.registry, holder)) dead.add(holder.id);
    }
    return dead;
  }

  private async politely(
    { group, run }: Permit,
    again: () => boolean,
    work: (gate: GroupGate) => Promise<void>,
  ): Promise<void> {
    const onRefused = ({ message }: Error): void =>
      this.logger.warn('The registry refuses to note what a run holds in its group; it is tried again until it does', {
        group,
        runId: run,
        reason: message,
      });
    try {
      await insist(() => work(this.gate(group)), { clock: this.clock, again, onRefused });
    } catch (error) {
      const what = 'What a run holds in its group could not be written; it is given back by the end of the session';
      this.logger.debug(what, { group, runId: run, reason: errorMessage(error) });
    }
  }
}
