import type { EpochMs } from '../common/clock.js';
import type { GroupLimits } from '../task/group-limits.js';

/** A run that counts against a group. */
export interface GroupHolder {
  run: string;
  node: string;
  boot: string;
  session: string;
}

/** What is stored at `groups/<name>`. */
export interface GroupState {
  holders: GroupHolder[];
  /** When runs have started lately, as far back as the rate looks. */
  starts: EpochMs[];
}

/** `full`: until a run ends. `at`: until then, for the sake of the rate. */
export type TakeOutcome = 'taken' | 'full' | { at: EpochMs };

export const EMPTY_GROUP: GroupState = { holders: [], starts: [] };

/** Enters the run, if there is room for it. Entered before, it stays; `force` for one that goes on whatever the limits. */
export function takeRoom(
  state: GroupState,
  { concurrency = Infinity, rate }: GroupLimits,
  holder: GroupHolder,
  now: EpochMs,
  { isDead, force = false }: { isDead: (holder: GroupHolder) => boolean; force?: boolean },
): { outcome: TakeOutcome; next?: GroupState } {
  const others = state.holders.filter((other) => other.run !== holder.run && !isDead(other));
  const starts = rate ? state.starts.filter((at) => at > now - rate.perMs) : [];
  if (!force && others.length >= concurrency) return { outcome: 'full' };
  const first = rate && starts.length >= rate.limit ? starts[starts.length - rate.limit]! : undefined;
  if (!force && first !== undefined) return { outcome: { at: first + rate!.perMs } };
  return { outcome: 'taken', next: { holders: [...others, holder], starts: rate ? [...starts, now] : [] } };
}

/** Takes the run out. `unused`: it has not started, and does not count for the rate. */
export function giveRoom(state: GroupState, run: string, unused?: EpochMs): GroupState | undefined {
  if (!state.holders.some((holder) => holder.run === run)) return undefined;
  const index = unused === undefined ? -1 : state.starts.lastIndexOf(unused);
  return {
    holders: state.holders.filter((holder) => holder.run !== run),
    starts: index < 0 ? state.starts : state.starts.toSpliced(index, 1),
  };
}

/** @returns an empty group where the text is none */
export function decodeGroup(text: string | undefined): GroupState {
  try {
    const state = JSON.parse(text ?? '') as Partial<GroupState>;
    return Array.isArray(state.holders) && Array.isArray(state.starts) ? (state as GroupState) : EMPTY_GROUP;
  } catch {
    return EMPTY_GROUP;
  }
}
