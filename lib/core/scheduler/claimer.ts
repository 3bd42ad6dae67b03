import { startOf } from '../schedule/schedule.js';
import type { KnownTask } from '../task/catalog.js';
import type { Charge } from './charge.js';
import { type ClaimOutcome, type ClaimRequest, ownClaim, type Starts, type UnitDecision } from './claim.js';
import { decideClaim, GRACE_MS } from './claim-decision.js';
import type { Permit } from './groups.js';
import type { RunLauncher } from './run-launcher.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { UnitState } from './unit-state.js';
import type { UnitUpdate } from './unit-store.js';

export interface ClaimerOptions {
  /** Ticks are claimed this long before they are due. */
  claimAheadMs: number;
  /** A standby tries this long after the tick. `undefined`: no standby. */
  standbyDelayMs: number | undefined;
}

export type Attempt =
  | { kind: 'decided'; update: UnitUpdate<ClaimOutcome>; permit?: Permit }
  /** This node does as many runs as it may. */
  | { kind: 'no-slot' }
  /** The task's group has no room. */
  | { kind: 'no-room' }
  | { kind: 'gone' };

/** Takes what is due of a unit: a slot of this node, room in the group of the task, and the claim. */
export class Claimer {
  constructor(
    private readonly context: SchedulerContext,
    private readonly launcher: RunLauncher,
    private readonly options: ClaimerOptions,
    private readonly starts: () => Starts,
    private readonly isStopped: () => boolean,
  ) {}

  mayClaim(): boolean {
    return this.context.keeper.trusted() && !this.context.units.inDoubt;
  }

  /** With what is claimed go a slot and, in a group, a permit; else nothing is kept. */
  async attempt(charge: Charge, taskNow: () => KnownTask, verified: ReadonlySet<string>): Promise<Attempt> {
    const { slots, groups, runIds } = this.context;
    if (!slots.tryTake()) return { kind: 'no-slot' };
    const runId = runIds.next(charge.unit.task);
    let permit: Permit | undefined;
    let isTaken = false;
    try {
      let update = await this.update(charge, taskNow, verified, runId, false);
      if (update !== 'gone' && update.outcome.kind === 'no-room') {
        permit = await this.takeRoom(charge, taskNow().policies.priority, update.outcome, runId);
        if (!permit) return { kind: 'no-room' };
        update = await this.update(charge, taskNow, verified, runId, true);
      }
      if (update === 'gone') return { kind: 'gone' };
      isTaken = update.outcome.kind === 'claimed';
      return { kind: 'decided', update, ...(permit && isTaken && { permit }) };
    } finally {
      if (!isTaken) {
        slots.give();
        if (permit) void groups.give(permit, { unused: true });
      }
    }
  }

  /** Its start counts when it comes, which is at most the claim-ahead from now, whatever becomes of the clock. */
  private takeRoom(
    { waitsSince }: Charge,
    priority: number,
    { group, dueAt }: ClaimOutcome & { kind: 'no-room' },
    runId: string,
  ): Promise<Permit | undefined> {
    const { groups, clock } = this.context;
    return groups.take(group, runId, {
      turn: { priority, since: waitsSince ?? clock.monotonic() },
      startsAt: (now) => Math.min(Math.max(now, dueAt), now + this.options.claimAheadMs),
    });
  }

  private update(
    charge: Charge,
    taskNow: () => KnownTask,
    verified: ReadonlySet<string>,
    runId: string,
    hasRoom: boolean,
  ): Promise<UnitUpdate<ClaimOutcome> | 'gone'> {
    const { units, keeper, node, groups } = this.context;
    const session = keeper.session!;
    const decide = (state: UnitState): UnitDecision<ClaimOutcome> => {
      const isOwn = ownClaim(state, { runId, boot: node.boot }) !== undefined; // unheard: nobody else would look after it
      const mayClaim = keeper.session === session && !this.isStopped() && this.mayClaim(); // asked again: it may have waited for an outage to end
      if (!isOwn && !mayClaim) return { outcome: { kind: 'idle' } };
      const task = taskNow();
      const decision = decideClaim(state, task, this.request(charge, runId, session.id, verified));
      const { outcome } = decision;
      const { group } = task.policies;
      if (outcome.kind !== 'claimed' || isOwn || hasRoom || !groups.has(group)) return decision;
      const { tick } = outcome.run;
      return { outcome: { kind: 'no-room', group, dueAt: tick === undefined ? 0 : startOf(task.schedule, tick) } };
    };
    return units.update(charge.unit, decide, () => keeper.session === session && !this.isStopped());
  }

  private request(charge: Charge, runId: string, session: string, verified: ReadonlySet<string>): ClaimRequest {
    const { clock, node, units } = this.context;
    const now = clock.now();
    const standby = charge.role === 'standby';
    return {
      now,
      horizon: standby ? now : now + this.options.claimAheadMs,
      graceMs: standby ? GRACE_MS + this.options.standbyDelayMs! : GRACE_MS,
      runId,
      node: node.id,
      boot: node.boot,
      session,
      standby,
      alive: (run) => verified.has(run.id) || this.launcher.isLive(run),
      starts: this.starts(),
      floor: units.floor(charge.unit),
      lostUpTo: units.settledUpTo,
    };
  }
}
