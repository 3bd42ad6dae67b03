import type { EpochMs } from '../common/clock.js';
import type { GroupLimits } from '../task/group-limits.js';

/** A run that counts against a group. */
export interface GroupHolder {
  /** Of this room alone: a run may take room again, for another attempt or on another node. */
  id: string;
  run: string;
  node: string;
  boot: string;
  session: string;
}

/** What is stored at `groups/<name>`. */
export interface GroupState {
  holders: (GroupHolder & { at: EpochMs })[];
  /** When runs have started lately, as far back as the rate looks, or are to start: they are claimed somewhat ahead. In order. */
  starts: EpochMs[];
}

/** What a step makes of a group. `next` is absent where it stays as it is. */
export interface GroupDecision<T> {
  outcome: T;
  next?: GroupState;
}

export const EMPTY_GROUP: GroupState = { holders: [], starts: [] };

/** For how many more runs that start at `now` there is room, and, where the rate is why there is none, until when. */
export function roomIn(state: GroupState, limits: GroupLimits, now: EpochMs): { room: number; at?: EpochMs } {
  const { concurrency = Infinity, rate } = limits;
  const free = Math.max(0, concurrency - state.holders.length);
  if (!rate || free === 0) return { room: free };
  const starts = recent(state, limits, now);
  if (starts.length < rate.limit) return { room: Math.min(free, rate.limit - starts.length) };
  return { room: 0, at: starts[starts.length - rate.limit]! + rate.perMs };
}

/** The starts that the rate still looks at. */
function recent({ starts }: GroupState, { rate }: GroupLimits, now: EpochMs): EpochMs[] {
  return rate ? starts.filter((at) => isRecent(at, rate.perMs, now)) : [];
}

/**
 * Enters the run, if there is room for it: whether it is in. What it holds already it keeps, and is no start.
 * `startsAt`: when it is due, now or later. `force` for a run that goes on whatever the limits.
 */
export function takeRoom(
  state: GroupState,
  limits: GroupLimits,
  holder: GroupHolder,
  now: EpochMs,
  {
    isDead,
    startsAt = now,
    force = false,
  }: { isDead: (holder: GroupHolder) => boolean; startsAt?: EpochMs; force?: boolean },
): GroupDecision<boolean> {
  if (state.holders.some(({ id }) => id === holder.id)) return { outcome: true }; // entered, unheard
  const { rate } = limits;
  const holders = state.holders.filter((other) => other.run !== holder.run && !isDead(other));
  if (!force && roomIn({ ...state, holders }, limits, startsAt).room === 0) return { outcome: false };
  const starts = rate ? [...recent(state, limits, now), startsAt].sort((a, b) => a - b) : [];
  return { outcome: true, next: { holders: [...holders, { ...holder, at: startsAt }], starts } };
}

/** Binds room to the session its node has opened since. What was taken from it meanwhile it gets again, and is no start. */
export function keepRoom(state: GroupState, holder: GroupHolder, now: EpochMs): GroupDecision<undefined> {
  const held = state.holders.find(({ id }) => id === holder.id);
  if (held?.session === holder.session) return { outcome: undefined };
  const others = state.holders.filter((other) => other !== held);
  return { outcome: undefined, next: { ...state, holders: [...others, { ...holder, at: held?.at ?? now }] } };
}

/**
 * Gives this room back, and no other that its run may hold elsewhere, and forgets starts of long ago.
 * `unused`: it has not started, and is no start.
 */
export function giveRoom(
  state: GroupState,
  limits: GroupLimits,
  id: string,
  now: EpochMs,
  { unused }: { unused: boolean },
): GroupDecision<undefined> {
  const held = state.holders.find((holder) => holder.id === id);
  if (!held) return { outcome: undefined };
  const starts = recent(state, limits, now);
  const index = unused ? starts.lastIndexOf(held.at) : -1;
  if (index >= 0) starts.splice(index, 1);
  return { outcome: undefined, next: { holders: state.holders.filter((other) => other !== held), starts } };
}

/** Forgets starts of long ago, where nobody else will. */
export function tidied(state: GroupState, limits: GroupLimits, now: EpochMs): GroupDecision<undefined> {
  const starts = recent(state, limits, now);
  return { outcome: undefined, ...(starts.length < state.starts.length && { next: { ...state, starts } }) };
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

/** Clocks differ a little. What lies farther ahead is of one that was wrong, and would shut the group until then. */
function isRecent(at: EpochMs, perMs: number, now: EpochMs): boolean {
  return Math.abs(now - at) < perMs;
}
