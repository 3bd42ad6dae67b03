import type { EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import type { Unit } from '../task/unit.js';
import type { Role } from './placement.js';

/**
 * One unit this node looks after.
 *
 * ```
 *   adopt ──▶ armed ──due──▶ claiming ──▶ armed (next tick) | waiting (no slot) | blocked
 *               ▲                                └── a slot is free, the run ended ──▶ claiming
 * ```
 */
export interface Charge {
  readonly unit: Unit;
  readonly role: Role;
  appointment?: Disposable;
  /** As a standby: when the tick it waits for the owner to take is overdue. */
  overdueAt?: EpochMs;
  busy: boolean;
  /** Asked to look again while it was busy. */
  again: boolean;
  /** … and to read the unit first. */
  anew: boolean;
  dropped: boolean;
  /** Its last look ended because the registry failed or the session was not trusted. */
  stalled: boolean;
  /** Since when it has waited for room in the group of its task, in monotonic milliseconds. */
  waitsSince?: number;
  /** Its next tick, or a run that is bound to no time, waits for a run to end. */
  blocked: boolean;
}

export function newCharge(unit: Unit, role: Role): Charge {
  return { unit, role, busy: false, again: false, anew: false, dropped: false, stalled: false, blocked: false };
}
