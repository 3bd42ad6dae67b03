import { LONGEST_TIMER_MS, sleep, type Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { DistributedScheduleError } from '../common/errors.js';
import { WaitingLine } from '../execution/waiting-line.js';
import type { Entry } from '../registry/registry.js';
import { updateDocument, type Decision, type DocumentPort } from '../registry/update-document.js';
import type { GroupLimits } from '../task/group-limits.js';
import { decodeGroup, EMPTY_GROUP, type GroupDecision, type GroupState, roomIn, tidied } from './group-state.js';

/** Who waits for room looks again after this long: a watch may lose what would wake it. */
const POLL_MS = 5_000;
/** Many nodes may write a group at once; who has lost too often in a row leaves it to the others for this long. */
const CROWDED_MS = 100;

interface Step {
  apply: (state: GroupState) => GroupState | undefined;
  /** Asked after a failure of the registry. */
  again: () => boolean;
  settle: () => void;
  reject: (error: unknown) => void;
}

/**
 * One group, on one node: what its runs want to write, and who waits for room.
 *
 * ```
 *   take, give, keep ──▶ steps ──one write at a time, all that wait in it──▶ groups/<name>
 *                                                                              │ how it stands now
 *   in line, by priority and age ◀── as many as there is room for are woken ───┘
 * ```
 *
 * Where nobody has written or waited for a while it rests: it removes what is left of the group, once that has no holders and
 * its starts are over, and nothing keeps it here.
 */
export class GroupGate {
  private steps: Step[] = [];
  private writing = false;
  private readonly line: WaitingLine;
  private timer?: Disposable;
  private disposed = false;
  private last = EMPTY_GROUP;
  private token = 0n;

  constructor(
    private readonly key: string,
    private readonly limits: GroupLimits,
    private readonly port: DocumentPort,
    private readonly clock: Clock,
    private readonly onRest: () => void,
  ) {
    this.line = new WaitingLine(clock);
  }

  /** How the group stood when it was last read or written. */
  get state(): GroupState {
    return this.last;
  }

  /**
   * Decides and writes, in one write with whatever else waits to be written.
   * @throws RegistryUnavailableError once nobody in that write wants it tried `again`
   */
  change<T>(decide: (state: GroupState) => GroupDecision<T>, again: () => boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let outcome: T;
      const apply = (state: GroupState): GroupState | undefined => {
        const decision = decide(state);
        outcome = decision.outcome;
        return decision.next;
      };
      this.steps.push({ apply, again, settle: () => resolve(outcome), reject });
      if (!this.writing) void this.write();
    });
  }

  /** Calls `wake` once, when there may be room; it still has to take it. `since`: who comes back has waited since then. */
  whenFree(priority: number, wake: () => void, since?: number): Disposable {
    const waiting = this.line.join(priority, wake, since);
    if (!this.timer) this.arm();
    return waiting;
  }

  /** Whether somebody waits whose turn comes before that of a newcomer. If so, that one looks whether there is room. */
  letPass(priority: number, since: number): boolean {
    if (!this.line.precedes(priority, since)) return false;
    this.wake(1);
    return true;
  }

  /** The group has changed, by whomever. */
  see(entry: Entry | undefined): void {
    if (entry && entry.token <= this.token) return; // heard before
    this.learn(entry, decodeGroup(entry?.value));
    this.wake();
  }

  /** Somebody looks whether there is room, whatever is known. */
  wake(least = 0): void {
    const { room } = roomIn(this.last, this.limits, this.clock.now());
    let any = false;
    for (let left = Math.max(least, room - this.steps.length); left > 0 && this.line.wakeNext(); left--) any = true;
    if (any || this.timer) this.arm();
  }

  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
  }

  private arm(): void {
    this.timer?.dispose();
    if (this.disposed) return;
    const now = this.clock.now();
    const { at = Infinity } = roomIn(this.last, this.limits, now);
    const delay = this.isAtRest ? this.restMs(now) : Math.min(POLL_MS, Math.max(1, at - now));
    this.timer = this.clock.setTimer(delay, () => {
      this.timer = undefined;
      if (!this.isAtRest) this.wake(1);
      else this.rest();
    });
  }

  /** Nobody waits, and nothing is to be written. */
  private get isAtRest(): boolean {
    return !this.writing && this.line.isEmpty;
  }

  /** Until it may go: what is left of a group that nobody is in has its time first. */
  private restMs(now: number): number {
    const { holders, starts } = this.last;
    const start = holders.length === 0 ? starts.at(-1) : undefined;
    const over = start === undefined ? now : start + (this.limits.rate?.perMs ?? 0);
    return Math.min(LONGEST_TIMER_MS, Math.max(POLL_MS, over - now));
  }

  private rest(): void {
    const { holders, starts } = this.last;
    if (holders.length > 0 || starts.length === 0) return this.onRest(); // who is in goes on without, and comes back to give
    const tidy = (state: GroupState): GroupDecision<undefined> => tidied(state, this.limits, this.clock.now());
    this.change(tidy, () => false).catch(() => undefined); // done again in a while
  }

  private async write(): Promise<void> {
    this.writing = true;
    while (this.steps.length > 0) {
      const steps = this.steps.splice(0);
      try {
        await this.apply(steps);
        for (const { settle } of steps) settle();
        this.wake();
      } catch (error) {
        const isCrowded = error instanceof DistributedScheduleError && error.code === 'CLAIM_CONFLICT';
        const goOn = isCrowded ? steps.filter(({ again }) => again()) : [];
        for (const step of steps) if (!goOn.includes(step)) step.reject(error);
        this.steps.unshift(...goOn);
        if (goOn.length > 0) await sleep(this.clock, CROWDED_MS);
      }
    }
    this.writing = false;
    this.arm();
  }

  private async apply(steps: readonly Step[]): Promise<void> {
    let after = EMPTY_GROUP;
    const decide = (current: Entry | undefined): Decision<undefined> => {
      const before = (after = decodeGroup(current?.value));
      for (const { apply } of steps) after = apply(after) ?? after;
      if (after === before) return { keep: undefined };
      const isEmpty = after.holders.length === 0 && after.starts.length === 0;
      return isEmpty ? { remove: true, result: undefined } : { write: JSON.stringify(after), result: undefined };
    };
    const again = (): boolean => steps.some((step) => step.again());
    const { entry } = await updateDocument(this.port, this.key, decide, { clock: this.clock, known: 'unread', again });
    this.learn(entry, after);
  }

  private learn(entry: Entry | undefined, state: GroupState): void {
    this.last = state;
    if (entry) this.token = entry.token;
  }
}
