import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import type { DstPolicy } from '../../../lib/core/schedule/zone/dst.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { POLICIES, type SlowTick } from './clock-walk.js';
import type { CronCase } from './cron-arbitrary.js';

/** What was compared, for the figures at the end. */
export const compared = {
  zones: new Set<string>(),
  changes: 0,
  windows: 0,
  expressions: new Set<string>(),
  schedules: 0,
  ticks: 0,
};

/** A stretch of time in a zone, and where in it to begin to search. */
export interface Stretch {
  zone: string;
  from: number;
  to: number;
  starts: readonly number[];
}

/** Since then clocks change by quarters of an hour, which `minGapMs` builds on. The last that did not were Kiritimati's, in 1979. */
const QUARTERS_SINCE = Date.UTC(1980, 0, 1);
/** Since then all zones are ahead of UTC, or behind it, by whole minutes, which `phase` builds on. */
const MINUTES_SINCE = Date.UTC(1972, 0, 8);

/** So many ticks are followed from the beginning of a stretch, and so many from each start within: an expression of seconds has thousands. */
const [LONG_RUN, SHORT_RUN] = [200, 40];

const NOTES: Record<SlowTick['why'], RegExp | undefined> = {
  once: undefined,
  shifted: /^shifted: /,
  first: /^first of two/,
  second: /^second of two/,
};

/** @throws Error at the first tick that is not as the oracle has it, with all that is needed to ask again */
export function compareAllPolicies(
  cron: CronCase,
  stretch: Stretch,
  slowTicks: (policy: Required<DstPolicy>) => readonly SlowTick[],
): void {
  for (const policy of POLICIES) compareTicks(cron, policy, stretch, slowTicks(policy));
}

/** @throws Error at the first tick that is not as the oracle has it, with all that is needed to ask again */
export function compareTicks(
  cron: CronCase,
  policy: Required<DstPolicy>,
  { zone, from, to, starts }: Stretch,
  slowTicks: readonly SlowTick[],
): void {
  const schedule = cronSchedule(cron.expression, zone, policy);
  compared.zones.add(zone);
  compared.expressions.add(cron.expression);
  compared.schedules++;
  for (const [i, start] of [from - 1, ...starts].entries()) {
    const problem = differenceFrom(schedule, slowTicks, start, to, i === 0 ? LONG_RUN : SHORT_RUN);
    if (problem) throw new Error(`"${cron.expression}" in ${zone} ${JSON.stringify(policy)}: ${problem}`);
  }
}

function differenceFrom(
  schedule: Schedule,
  slowTicks: readonly SlowTick[],
  start: number,
  to: number,
  longestRun: number,
): string | undefined {
  let last = start;
  const first = slowTicks.findIndex(({ at }) => at > start);
  const rest = first < 0 ? [] : slowTicks.slice(first, first + longestRun);
  for (const [i, { at, why }] of rest.entries()) {
    const tick = schedule.next(last);
    if (tick !== at) return `after ${shown(last)} comes ${shown(tick)}, the oracle says ${shown(at)} (${why})`;
    const note = schedule.noteOn?.(tick);
    if (NOTES[why] ? !NOTES[why].test(note ?? '') : note !== undefined)
      return `${shown(tick)} is noted as ${note}, the oracle says ${why}`;
    if (i > 0 && last >= QUARTERS_SINCE && tick - last < schedule.minGapMs)
      return `${shown(last)} and ${shown(tick)} are closer than ${schedule.minGapMs} ms`;
    if (schedule.phase && tick >= MINUTES_SINCE && tick % schedule.phase.everyMs !== schedule.phase.offsetMs)
      return `${shown(tick)} is out of phase with ${JSON.stringify(schedule.phase)}`;
    compared.ticks++;
    last = tick;
  }
  if (rest.length === longestRun) return undefined;
  const beyond = schedule.next(last);
  return beyond !== undefined && beyond < to
    ? `after ${shown(last)} comes ${shown(beyond)}, the oracle has none before ${shown(to)}`
    : undefined;
}

const shown = (at: number | undefined): string => (at === undefined ? 'nothing' : new Date(at).toISOString());
