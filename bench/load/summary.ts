import type { Row } from '../common/report.js';
import { spreadOf, type Spread } from '../common/statistics.js';
import { isOurs } from './contestants.js';
import type { Measured } from './interleaved.js';
import type { Figures } from './trial.js';

export const over = ({ rounds }: Measured, figure: (of: Figures) => number): Spread => spreadOf(rounds.map(figure));

export const cpuPerTick = ({ cpuMicros, started }: Figures): number => cpuMicros / Math.max(1, started);
export const servedPerTick = ({ served, started }: Figures): number => (served ?? 0) / Math.max(1, started);
/** Round trips of the registry's port: what the core asks for in one call, whatever it carries. */
export const callsOf = ({ calls }: Figures): number =>
  calls.reduce((total, { commits, gets, lists, renewals }) => total + commits + gets + lists + renewals, 0);
export const callsPerTick = (figures: Figures): number => callsOf(figures) / Math.max(1, figures.started);

export const labelOf = ({ contestant: { name, version } }: Measured): string => `${name} ${version}`.trim();

/** One contestant in a table of lateness and cost. */
export function rowOf(measured: Measured): Row {
  const { trial, contestant, rounds } = measured;
  const head = { contestant: labelOf(measured), processes: trial.processes };
  if (rounds.length === 0) return { ...head, 'p99 late ms': 'failed' };
  const onServer = rounds.every(({ served }) => served !== undefined);
  return {
    ...head,
    'p50 late ms': over(measured, ({ p50 }) => p50),
    'p99 late ms': over(measured, ({ p99 }) => p99),
    'max late ms': over(measured, ({ max }) => max),
    'missed %': over(measured, ({ missed, planned }) => (100 * missed) / planned),
    doubled: over(measured, ({ doubled }) => doubled),
    'CPU µs per tick': over(measured, cpuPerTick),
    'RSS MB': over(measured, ({ rssBytes }) => rssBytes / 1_048_576),
    'server commands per tick': onServer ? over(measured, servedPerTick) : undefined,
    'registry calls per tick': isOurs(trial.id) && contestant.store ? over(measured, callsPerTick) : undefined,
  };
}

/** How contestants were set up, once for each, and what failed. */
export function notesOf(all: readonly Measured[]): string[] {
  const settings = all.flatMap(({ contestant: { name, settings } }) => (settings ? [`${name}: ${settings}.`] : []));
  const failures = all.flatMap(({ failure, contestant: { name }, trial: { tasks } }) =>
    failure === undefined ? [] : [`${name} failed at ${tasks} tasks: ${failure}.`],
  );
  return [...new Set(settings), ...failures];
}

export const WORDS =
  'Late is the start of the handler after its planned instant, by the wall clock; missed is what has not started two ' +
  'seconds after the last instant; doubled are starts beyond the first. Server commands include those inside scripts.';
