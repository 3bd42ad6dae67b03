import type { EpochMs } from '../../../lib/core/common/clock.js';
import type { SkipReason } from '../../../lib/core/common/run.js';
import type { Specimen } from './kinds.js';

/** With `fire-all`. */
export const LIMIT = 20;
const AHEAD_MS = 100;
const GRACE_MS = 1_000;
const STANDBY_MS = 2_000;
/** Beyond it a stretch of ticks that has to be gone through one by one is `atLeast` so long. */
const COUNT_CAP = 1_000;

/** What one write says of ticks. */
export interface Verdict {
  skipped: Partial<Record<SkipReason, number>>;
  claimed?: { tick: EpochMs; trigger: string };
}

/** A unit as somebody finds it at `at`. */
export interface Found {
  settledUpTo: EpochMs;
  anchor: EpochMs;
  at: EpochMs;
  /** A run of it goes on. */
  isBusy: boolean;
}

/**
 * What may become of the ticks after `settledUpTo`, by the words of the documentation and tick by tick. A standby comes
 * late by design, so there are two answers where there is one.
 */
export function verdicts(specimen: Specimen, { settledUpTo, anchor, at, isBusy }: Found): Verdict[] {
  const due = specimen.kind.ticks(settledUpTo, at + AHEAD_MS, anchor);
  const owner = judge(specimen, due, at, GRACE_MS);
  if (isBusy) return [inTheWay(specimen, owner, at)];
  return specimen.kind.hasStandby ? [owner, judge(specimen, due, at, GRACE_MS + STANDBY_MS)] : [owner];
}

/** The run before goes on: a tick that is due is skipped, one that is to be made up for waits. */
function inTheWay({ misfire }: Specimen, { skipped, claimed }: Verdict, at: EpochMs): Verdict {
  const waits = !claimed || claimed.tick > at || (claimed.trigger === 'misfire' && misfire === 'fire-all');
  return { skipped: { ...skipped, ...(!waits && { overlap: 1 }) } };
}

function judge({ misfire, deadlineMs, kind }: Specimen, due: EpochMs[], now: EpochMs, graceMs: number): Verdict {
  const tooLate = due.filter((tick) => now - tick > deadlineMs);
  const late = due.filter((tick) => now - tick > graceMs).slice(tooLate.length);
  const onTime = due.find((tick) => now - tick <= graceMs);
  const skipped: Verdict['skipped'] = {};
  const skip = (reason: SkipReason, ticks: number): void => {
    if (ticks > 0) skipped[reason] = counted(kind.isCounted, ticks);
  };
  const run = (tick: EpochMs | undefined, trigger: string): Verdict => {
    return { skipped, ...(tick !== undefined && { claimed: { tick, trigger } }) };
  };
  skip('too-late', tooLate.length);
  if (misfire === 'skip') {
    skip('misfire-skipped', late.length);
    return run(onTime, 'schedule');
  }
  if (misfire === 'fire-once') {
    skip('coalesced', onTime === undefined ? late.length - 1 : late.length);
    return onTime === undefined ? run(late.at(-1), 'misfire') : run(onTime, 'schedule');
  }
  skip('over-limit', late.length - LIMIT);
  return late.length > 0 ? run(late.slice(-LIMIT)[0], 'misfire') : run(onTime, 'schedule');
}

export function counted(isCounted: boolean, ticks: number): number {
  return isCounted ? ticks : Math.min(ticks, COUNT_CAP);
}
