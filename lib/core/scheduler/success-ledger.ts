import type { EpochMs } from '../common/clock.js';
import type { Schedule } from '../schedule/schedule.js';

/**
 * Which ticks of a unit have had no success, in a few numbers however long it runs: every tick in (since, cursor] has
 * succeeded, but for those in the gaps and those of runs that go on. What was at or before `since` is not known here.
 */
export interface SuccessLedger {
  /** Which schedule this is the ledger of: of another one's ticks it knows nothing. */
  schedule: string;
  since: EpochMs;
  /** Stretches [from, to] without a success, in order and apart. */
  gaps: [from: EpochMs, to: EpochMs][];
  /** The latest tick that succeeded. */
  last?: EpochMs;
  /** What fell due in halts up to here has been entered: the cursor follows only with the next tick. */
  entered?: EpochMs;
}

/** Beyond so many gaps the oldest is forgotten, and with it what was before. */
export const MOST_GAPS = 50;

/** The ledger of a unit as it stands. What fell due while the task was halted has had no success. */
export function ledgerOf(
  { cursor, ledger, seq }: { cursor: EpochMs; ledger?: SuccessLedger; seq?: number },
  { schedule, scheduleKey, doc }: { schedule: Schedule; scheduleKey: string; doc: { since: EpochMs } },
): SuccessLedger {
  const { since } = doc;
  const isNew = ledger === undefined && seq === 0; // nothing has happened yet: all since its birth has had no success
  if (ledger?.schedule !== scheduleKey && !isNew)
    return { schedule: scheduleKey, since: Math.max(cursor, since), gaps: [] };
  const known = ledger ?? { schedule: scheduleKey, since: cursor, gaps: [] };
  const entered = Math.max(cursor, known.entered ?? -Infinity);
  const halted = since > entered ? schedule.next(entered) : undefined;
  const all = halted !== undefined && halted <= since ? { ...withGap(known, halted, since), entered: since } : known;
  return trimmed(withoutSlivers(all, schedule));
}

/** Ticks that are made good within a gap leave stretches without any tick between them. */
function withoutSlivers(ledger: SuccessLedger, schedule: Schedule): SuccessLedger {
  if (ledger.gaps.length <= MOST_GAPS / 2) return ledger;
  const gaps = ledger.gaps.filter(([from, to]) => (schedule.next(from - 1) ?? Infinity) <= to);
  return gaps.length === ledger.gaps.length ? ledger : { ...ledger, gaps };
}

/** The ledger without what it says of ticks up to `upTo`. */
export function forgetting(ledger: SuccessLedger, upTo: EpochMs): SuccessLedger {
  const since = Math.max(ledger.since, upTo);
  const later = ledger.gaps.filter(([, to]) => to > since);
  return { ...ledger, since, gaps: later.map(([from, to]) => [Math.max(from, since + 1), to]) };
}

/** The ledger with the time before it too, in which nothing can have had a success: the task was not there. */
export function reachingBack(ledger: SuccessLedger, from: EpochMs): SuccessLedger {
  if (from > ledger.since) return ledger;
  return { ...ledger, since: from - 1, gaps: [[from, ledger.since], ...ledger.gaps] };
}

/** No tick in [from, to] has had a success, so far. */
export function withGap(ledger: SuccessLedger, from: EpochMs, to: EpochMs): SuccessLedger {
  const begin = Math.max(from, ledger.since + 1);
  if (to < begin) return ledger;
  const gaps = ledger.gaps.map(([a, b]): [EpochMs, EpochMs] => [a, b]);
  const before = gaps.findLastIndex((gap) => gap[0] <= begin);
  const gap = gaps[before];
  // nothing has succeeded since: one stretch, though ticks that are still to be settled may lie between
  const isNext = gap && before === gaps.length - 1 && (ledger.last ?? -Infinity) <= gap[1];
  if (gap && (isNext || begin <= gap[1] + 1)) gap[1] = Math.max(gap[1], to);
  else gaps.splice(before + 1, 0, [begin, to]);
  return { ...ledger, gaps };
}

/** The tick has succeeded, be it at once or later. */
export function withSuccess(ledger: SuccessLedger, tick: EpochMs): SuccessLedger {
  if (tick <= ledger.since) return ledger;
  const last = Math.max(ledger.last ?? tick, tick);
  const around = ledger.gaps.findIndex(([from, to]) => from <= tick && tick <= to);
  if (around < 0) return { ...ledger, last };
  const [from, to] = ledger.gaps[around]!;
  const rest: [EpochMs, EpochMs][] = [
    [from, tick - 1],
    [tick + 1, to],
  ];
  return { ...ledger, last, gaps: ledger.gaps.toSpliced(around, 1, ...rest.filter(([a, b]) => a <= b)) };
}

/**
 * The first instant at or after `instant` that may be a tick without a success; `upTo`, the cursor, where there is none
 * before it.
 */
export function unsuccessfulFrom(ledger: SuccessLedger, instant: EpochMs, upTo: EpochMs): EpochMs {
  const begin = Math.max(instant, ledger.since + 1);
  const gap = ledger.gaps.find(([, to]) => to >= begin);
  return gap ? Math.max(begin, gap[0]) : Math.max(begin, upTo + 1);
}

function trimmed(ledger: SuccessLedger): SuccessLedger {
  if (ledger.gaps.length <= MOST_GAPS) return ledger;
  return { ...ledger, since: ledger.gaps[0]![1], gaps: ledger.gaps.slice(1) };
}
