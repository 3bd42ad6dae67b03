import type { Chart } from '../common/chart.js';
import type { Row } from '../common/report.js';
import { spreadOf, type Spread } from '../common/statistics.js';
import type { CallCounts } from '../registries/counted.js';
import type { Contestant } from './contestant.js';
import { isOurs } from './contestants.js';
import type { Measured } from './interleaved.js';
import type { Figures } from './trial.js';

export const over = ({ rounds }: Measured, figure: (of: Figures) => number): Spread => spreadOf(rounds.map(figure));

export const cpuPerTick = ({ cpuMicros, started }: Figures): number => cpuMicros / Math.max(1, started);
const commandsPerTick = ({ served, started }: Figures): number => (served.commands ?? 0) / Math.max(1, started);
/** Calls of the registry's port, whatever each carries. */
export const callsIn = ({ commits, gets, lists, renewals }: CallCounts): number => commits + gets + lists + renewals;
export const callsPerTick = ({ calls, started }: Figures): number =>
  calls.reduce((total, own) => total + callsIn(own), 0) / Math.max(1, started);

export const nameOf = ({ name, version }: Contestant): string => `${name} ${version}`.trim();
/** As goals are judged: a tick that is missed is later than any other. */
export const p99Of = (measured: Measured): number =>
  over(measured, ({ p99, missed, planned }) => (missed > planned / 100 ? Infinity : p99)).median;

/** One contestant in a table of lateness and cost. */
export function rowOf(measured: Measured): Row {
  const { trial, contestant, rounds } = measured;
  const head = { contestant: nameOf(contestant), processes: trial.processes };
  if (rounds.length === 0) return { ...head, 'p99 late ms': 'failed' };
  return {
    ...head,
    'p50 late ms': over(measured, ({ p50 }) => p50),
    'p99 late ms': over(measured, ({ p99 }) => p99),
    'max late ms': over(measured, ({ max }) => max),
    'missed %': over(measured, ({ missed, planned }) => (100 * missed) / planned),
    doubled: over(measured, ({ doubled }) => doubled),
    'CPU µs per tick': over(measured, cpuPerTick),
    'RSS MB': over(measured, ({ rssBytes }) => rssBytes / 1_048_576),
    'Redis commands per tick': contestant.store === 'redis' ? over(measured, commandsPerTick) : undefined,
    'registry calls per tick': isOurs(trial.id) && contestant.store ? over(measured, callsPerTick) : undefined,
  };
}

export const isRowOfOurs = ({ contestant }: Row): boolean =>
  typeof contestant === 'string' && contestant.startsWith('ours');

export const LATENESS_CHART: Chart = {
  label: ['contestant', 'processes'],
  value: 'p99 late ms',
  isOurs: isRowOfOurs,
};

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
  'seconds after the last instant; doubled are starts beyond the first. Who does not tell which tick it starts is taken to start ' +
  'the latest one due, so what slips past the next instant counts there. Redis counts the ' +
  'commands inside scripts, too; a registry call of ours is one request, whatever it carries. RSS includes the compiler ' +
  'that runs all this from source.';
