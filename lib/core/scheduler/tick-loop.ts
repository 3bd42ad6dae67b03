import { Fifo } from '../common/fifo.js';
import { errorMessage } from '../common/errors.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import type { KnownTask } from '../task/catalog.js';
import type { Unit } from '../task/unit.js';
import { startOf } from '../schedule/schedule.js';
import { startedBy } from '../schedule/ticks.js';
import { type Charge, newCharge } from './charge.js';
import { type Attempt, Claimer, type ClaimerOptions } from './claimer.js';
import { isSpent, type Starts } from './claim.js';
import { pendingBackfill } from './extra-runs.js';
import { failuresOf, isExhausted } from './failures.js';
import type { Role } from './placement.js';
import { recordSkips } from './record-skips.js';
import type { Recovery } from './recovery.js';
import type { RunAborts } from './run-aborts.js';
import type { RunLauncher } from './run-launcher.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { TaskWriter } from './task-writer.js';
import type { RunEntry } from './unit-state.js';

/** Ticks closer together than this have no standby: their next owner's misfire policy covers them. */
export const STANDBY_MIN_GAP_MS = 30_000;
/** How many units are looked at in one go: enough for full batches, few enough that what they allocate dies young. */
const MAX_ATTENDING = 1_500;
/** How often a tick that must not be skipped looks whether it is too late or, on another node, the run before it has ended. */
const BLOCKED_POLL_MS = 1_000;

/** Takes the ticks of the units this node owns, and those of others that it stands by for. */
export class TickLoop {
  private readonly charges = new Map<string, Charge>();
  private readonly queue = new Fifo<Charge>();
  private readonly claimer: Claimer;
  private attending = 0;
  private onQuiet?: () => void;
  private stopped = false;

  constructor(
    private readonly context: SchedulerContext,
    private readonly launcher: RunLauncher,
    private readonly recovery: Recovery,
    private readonly writer: TaskWriter,
    private readonly aborts: RunAborts,
    private readonly options: ClaimerOptions,
    starts: () => Starts,
  ) {
    this.claimer = new Claimer(context, launcher, options, starts, () => this.stopped);
  }

  /** Takes the unit into this node's care, in this role; a unit already in it is left as it is. */
  take(unit: Unit, role: Role): void {
    const before = this.charges.get(unit.key);
    if (before?.role === role) return;
    if (before) this.drop(unit);
    const charge = newCharge(unit, role);
    this.charges.set(unit.key, charge);
    if (role === 'owner') this.attend(charge, true);
    else this.arm(charge);
  }

  drop(unit: Unit): void {
    const charge = this.charges.get(unit.key);
    if (!charge) return;
    charge.dropped = true;
    charge.appointment?.dispose();
    this.charges.delete(unit.key);
  }

  /** What this node looks after from now on. */
  replace(placed: ReadonlyMap<string, { unit: Unit; role: Role }>): void {
    for (const [key, { unit }] of [...this.charges]) if (!placed.has(key)) this.drop(unit);
    for (const { unit, role } of placed.values()) this.take(unit, role);
  }

  dropAll(): void {
    for (const { unit } of [...this.charges.values()]) this.drop(unit);
  }

  /** The unit changed, or its task, or a run of it ended: look what is due. */
  look(unit: Unit): void {
    const charge = this.charges.get(unit.key);
    if (charge) this.attend(charge);
  }

  /** A run of the unit ended: whatever waited for that goes on, and what has failed too often is paused, whoever owns it. */
  runEnded(unit: Unit): void {
    const charge = this.charges.get(unit.key);
    if (charge && (charge.blocked || !charge.appointment)) this.attend(charge);
    if (!this.stopped) this.pauseIfExhausted(unit);
  }

  private pauseIfExhausted(unit: Unit): void {
    const task = this.context.catalog.get(unit.task);
    const state = this.context.units.peek(unit);
    if (!state || task?.doc.generation !== unit.generation || task.doc.state !== 'active') return;
    if (isSpent(state, task) || !isExhausted(state, task)) return;
    this.writer.pauseExhausted(task, failuresOf(state, task)).catch(() => undefined); // its owner does it at its next look
  }

  /** Anti-entropy: whatever waits for nothing, by a failure of the registry or a change nobody told of, gets going again. */
  lookAtIdle(): void {
    for (const charge of [...this.charges.values()]) if (!charge.appointment) this.look(charge.unit);
  }

  /** The registry answers: what it made fail is taken up again. */
  lookAtStalled(): void {
    for (const charge of [...this.charges.values()]) if (charge.stalled) this.look(charge.unit);
  }

  /** Reads owned units again whose runs, as last seen, look suspicious: anti-entropy. */
  readoptWith(suspicious: (run: RunEntry) => boolean): void {
    for (const charge of this.charges.values()) {
      const runs = charge.role === 'owner' ? this.context.units.peek(charge.unit)?.runs : undefined;
      if (runs?.some(suspicious)) this.attend(charge, true);
    }
  }

  /** A node is gone: any unit may hold a run of it that this node has never seen. */
  readoptAll(): void {
    for (const charge of this.charges.values()) if (charge.role === 'owner') this.attend(charge, true);
  }

  /** No claim from now on; resolves when those under way have come to an end. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.dropAll();
    if (this.attending > 0) await new Promise<void>((quiet) => (this.onQuiet = quiet));
  }

  get owned(): Unit[] {
    return [...this.charges.values()].filter(({ role }) => role === 'owner').map(({ unit }) => unit);
  }

  /** One look at a time per unit, and so many units at once, but for whom a slot is free: what waits its turn costs nothing. */
  private attend(charge: Charge, anew = false, hasSlot = false): void {
    charge.anew ||= anew;
    charge.again = true;
    if (charge.busy) return;
    charge.busy = true;
    if (this.attending >= MAX_ATTENDING && !hasSlot) this.queue.push(charge);
    else void this.attendInTurn(charge);
  }

  private async attendInTurn(first: Charge): Promise<void> {
    this.attending++;
    for (let next: Charge | undefined = first; next; next = this.queue.shift()) await this.attendNow(next);
    if (--this.attending === 0) this.onQuiet?.();
  }

  /** What the registry makes fail is taken up again by the next join, renewal or resync. */
  private async attendNow(charge: Charge): Promise<void> {
    try {
      while (charge.again && !charge.dropped) await this.lookOnce(charge);
    } catch (error) {
      charge.stalled = true;
      charge.anew = true; // whatever was begun is begun again
      if (!(error instanceof RegistryUnavailableError)) {
        const what = 'A unit could not be looked after; it is tried again at the next renewal';
        this.context.logger.error(what, { unit: charge.unit.name, reason: errorMessage(error) });
      }
    }
    charge.busy = false;
    charge.stalled ||= !this.claimer.mayClaim();
  }

  private async lookOnce(charge: Charge): Promise<void> {
    const { anew } = charge;
    charge.again = charge.anew = charge.stalled = charge.blocked = false;
    charge.appointment?.dispose();
    charge.appointment = undefined;
    if (charge.role === 'standby' && !this.isOverdue(charge)) this.arm(charge);
    else await (anew ? this.adopt(charge) : this.settleDue(charge));
  }

  /** A standby is asked to look for many reasons, and acts on one: the owner has let its tick pass. */
  private isOverdue({ overdueAt }: Charge): boolean {
    return overdueAt !== undefined && overdueAt <= this.context.clock.now();
  }

  /** A new owner reads the unit before it claims, makes it where its task's creator died, and looks after its orphans. */
  private async adopt(charge: Charge): Promise<void> {
    const { units } = this.context;
    const task = this.taskOf(charge);
    if (!task) return;
    const state = (await units.read(charge.unit)) ?? (await this.writer.repair(charge.unit));
    if (!state || charge.dropped) return;
    if (state.runs.length > 0) await this.recovery.check(charge.unit, task, state);
    await this.settleDue(charge);
  }

  private async settleDue(charge: Charge): Promise<void> {
    const { units } = this.context;
    const verified = new Set<string>();
    if (charge.role === 'standby') await units.read(charge.unit); // it remembers a run that may long have ended
    while (!charge.dropped && !this.stopped && this.claimer.mayClaim()) {
      const task = this.taskOf(charge);
      if (!task) return;
      const attempt = await this.claimer.attempt(charge, () => this.taskOf(charge) ?? task, verified);
      if (attempt.kind === 'no-slot') return this.waitForSlot(charge, task);
      if (attempt.kind === 'no-room') return this.waitForRoom(charge, task);
      this.endWait(charge, task, attempt);
      if (attempt.kind === 'gone') return this.lostUnit(charge);
      recordSkips(this.context, charge.unit, task, attempt.update.skips);
      if (await this.follow(charge, task, attempt, verified)) return;
    }
  }

  /** @returns whether there is nothing more to do now */
  private async follow(
    charge: Charge,
    task: KnownTask,
    { update: { outcome, token }, permit }: Attempt & { kind: 'decided' },
    verified: Set<string>,
  ): Promise<boolean> {
    switch (outcome.kind) {
      case 'claimed':
        void this.launcher.launch({
          unit: charge.unit,
          task: outcome.task,
          entry: outcome.run,
          token,
          ...(permit && { permit }),
        });
        verified.clear(); // the claim may have taken seconds, and who was alive before may have died
        if (!outcome.more) this.arm(charge);
        return !outcome.more;
      case 'settled':
        return false;
      case 'suspect':
        await this.lookAfterRuns(charge, task, verified);
        return false;
      case 'wait':
        this.appoint(charge, outcome.at);
        return true;
      case 'blocked':
        charge.blocked = true;
        if (outcome.replace)
          void this.aborts.abort(outcome.replace, task, 'a newer tick replaces it').then(() => this.look(charge.unit));
        await this.lookAgainSoon(charge, task, verified);
        return true;
      case 'exhausted':
        await this.writer.pauseExhausted(task, outcome.failures);
        return true;
      case 'stale-task':
        return !(await this.writer.refresh(charge.unit.task));
      default:
        charge.blocked = outcome.kind === 'idle' && (outcome.waiting ?? false);
        if (charge.blocked && !this.hasOwnRuns(charge)) await this.lookAgainSoon(charge, task, verified);
        else this.arm(charge);
        return true;
    }
  }

  /** A run is in the way: where it is on another node, nobody tells this one of its end. */
  private async lookAgainSoon(charge: Charge, task: KnownTask, verified: Set<string>): Promise<void> {
    if (!this.hasOwnRuns(charge)) await this.lookAfterRuns(charge, task, verified);
    this.appoint(charge, this.context.clock.now() + BLOCKED_POLL_MS);
  }

  /** All its runs are on this node, which hears of their ends without asking. */
  private hasOwnRuns({ unit }: Charge): boolean {
    return this.context.units.peek(unit)?.runs.every((run) => this.launcher.isLive(run)) ?? false;
  }

  /** Reads the unit, looks after its orphans, and notes which of its runs are alive. */
  private async lookAfterRuns(charge: Charge, task: KnownTask, verified: Set<string>): Promise<void> {
    const state = await this.context.units.read(charge.unit);
    if (!state || charge.role !== 'owner') return;
    await this.recovery.check(charge.unit, task, state);
    for (const { id } of state.runs) verified.add(id);
  }

  private endWait(charge: Charge, { policies: { group } }: KnownTask, attempt: Attempt): void {
    const tookRoom = attempt.kind === 'decided' && attempt.permit !== undefined;
    if (charge.waitsSince !== undefined && group !== undefined && !tookRoom) this.context.groups.passOn(group);
    charge.waitsSince = undefined;
  }

  private waitForSlot(charge: Charge, task: KnownTask): void {
    const { slots, clock } = this.context;
    charge.waitsSince ??= clock.monotonic();
    charge.appointment = slots.whenFree(
      task.policies.priority,
      () => this.attend(charge, false, true),
      charge.waitsSince,
    );
  }

  private waitForRoom(charge: Charge, { policies: { group, priority } }: KnownTask): void {
    const { groups, clock } = this.context;
    charge.waitsSince ??= clock.monotonic();
    charge.appointment = groups.whenFree(group!, priority, () => this.look(charge.unit), charge.waitsSince);
  }

  /** The unit is not there: its task was purged or made anew, or its creator died half-way. */
  private async lostUnit(charge: Charge): Promise<void> {
    await this.writer.refresh(charge.unit.task);
    if (this.taskOf(charge) && charge.role === 'owner') await this.adopt(charge);
  }

  /** The task this unit belongs to, unless it has been replaced by one of another generation. */
  private taskOf({ unit }: Charge): KnownTask | undefined {
    const task = this.context.catalog.get(unit.task);
    return task?.doc.generation === unit.generation ? task : undefined;
  }

  private arm(charge: Charge): void {
    const task = this.taskOf(charge);
    if (!task || task.doc.state !== 'active' || charge.dropped) return;
    const state = this.context.units.peek(charge.unit);
    const settled = Math.max(state?.cursor ?? 0, task.doc.since, this.context.units.floor(charge.unit));
    if (charge.role === 'standby') return this.armStandby(charge, task, settled);
    const tick = state && isSpent(state, task) ? undefined : task.schedule.next(settled);
    if (tick !== undefined) this.appoint(charge, startOf(task.schedule, tick) - this.options.claimAheadMs);
    else if (state?.runs.length === 0 && !state.queued && !pendingBackfill(state, task))
      void this.writer.complete(task).catch(() => undefined); // tried again at the next look
  }

  private armStandby(charge: Charge, task: KnownTask, settled: number): void {
    const delay = this.options.standbyDelayMs;
    charge.overdueAt = undefined;
    if (delay === undefined || !task.policies.standby || task.schedule.minGapMs < STANDBY_MIN_GAP_MS) return;
    const begun = startedBy(task.schedule, settled, this.context.clock.now() - delay);
    const tick = task.schedule.next(Math.max(settled, begun));
    if (tick === undefined) return;
    charge.overdueAt = startOf(task.schedule, tick) + delay;
    this.appoint(charge, charge.overdueAt);
  }

  private appoint(charge: Charge, at: number): void {
    charge.appointment?.dispose();
    if (charge.dropped) return;
    const priority = this.taskOf(charge)?.policies.priority;
    charge.appointment = this.context.timeline.at(at, () => this.look(charge.unit), priority);
  }
}
