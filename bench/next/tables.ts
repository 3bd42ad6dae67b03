/** What was measured, as rows and goals. Ours is the first of the libraries. */
import type { Goal, Row } from '../common/report.js';
import { short, spreadOf, type Spread } from '../common/statistics.js';
import type { NextReport } from '../next-worker.js';

/** Of one walk, by library. */
export interface Rate {
  readonly title: string;
  readonly perSecond: readonly Spread[];
  /** How many of the first ticks only one of the two has, ours or theirs. */
  readonly differing: readonly number[];
}

/** The reports of its fresh processes, over the rounds. */
export interface Library {
  readonly name: string;
  readonly cold: readonly NextReport[];
  readonly bytes: readonly NextReport[];
  readonly shared: readonly NextReport[];
  readonly distinct: readonly NextReport[];
}

const MB = 1_048_576;

const spread = (reports: readonly NextReport[], figure: (report: NextReport) => number): Spread =>
  spreadOf(reports.map(figure));

export function libraryRows(libraries: readonly Library[], rates: readonly Rate[]): Row[] {
  return libraries.map(({ name, cold, bytes }, i) => ({
    library: name,
    'next ticks per second, geometric mean': geometricMean(rates.map(({ perSecond }) => perSecond[i]!.median)),
    'the very first, ms': spread(cold, ({ firstMs }) => firstMs!),
    'a never-seen expression, µs': spread(cold, ({ expressionUs }) => expressionUs!),
    'a never-seen zone, µs': spread(cold, ({ zoneUs }) => zoneUs!),
    'bytes parsed': spread(bytes, ({ parsedBytes }) => parsedBytes!),
    'bytes with its next tick': spread(bytes, ({ heapBytes }) => heapBytes!),
  }));
}

export function rateRows(libraries: readonly Library[], rates: readonly Rate[]): Row[] {
  return rates.map(({ title, perSecond, differing }) => ({
    schedule: title,
    ...Object.fromEntries(
      libraries.map(({ name }, i) => {
        const { median, min, max } = perSecond[i]!;
        const differs = differing[i] ? ` [${differing[i]} differ]` : '';
        return [name, `${shown(median)} (${shown(min)}–${shown(max)})${differs}`];
      }),
    ),
  }));
}

export function heldRows(libraries: readonly Library[], schedules: number): Row[] {
  const rowOf = (what: string, name: string, reports: readonly NextReport[]): Row => {
    const scaled = (figure: (report: NextReport) => number, unit: number): Spread =>
      spread(reports, (report) => ((figure(report) / unit) * schedules) / report.held!);
    return {
      schedules: what,
      library: name,
      held: spread(reports, ({ held }) => held!),
      seconds: scaled(({ ms }) => ms!, 1_000),
      'heap MB': scaled(({ heapBytes }) => heapBytes!, MB),
      'resident MB': scaled(({ residentBytes }) => residentBytes!, MB),
    };
  };
  return [
    ...libraries.map(({ name, shared }) => rowOf('a thousand different', name, shared)),
    ...libraries.map(({ name, distinct }) => rowOf('all different', name, distinct)),
  ];
}

export function goalsOf(libraries: readonly Library[], rates: readonly Rate[]): Goal[] {
  const croner = libraries.findIndex(({ name }) => name.startsWith('croner'));
  const times = rates.map(({ title, perSecond }) => ({
    title,
    times: perSecond[0]!.median / perSecond[croner]!.median,
  }));
  const least = times.reduce((a, b) => (a.times <= b.times ? a : b));
  const [own, theirs] = [libraries[0]!, libraries[croner]!].map(
    ({ bytes }) => spread(bytes, ({ heapBytes }) => heapBytes!).median,
  ) as [number, number];
  return [
    {
      goal: 'next ticks ≥ 10 × as fast as croner, each schedule parsed and its zone known',
      reached: `${short(geometricMean(times.map((one) => one.times)))} × in the mean, ${short(least.times)} × at least (${least.title})`,
      met: least.times >= 10,
    },
    {
      goal: 'memory of a schedule ≤ 1/10 of croner’s',
      reached: `1/${short(theirs / own)}: ${shown(own)} and ${shown(theirs)} bytes`,
      met: own <= theirs / 10,
    },
  ];
}

const geometricMean = (figures: readonly number[]): number =>
  Math.exp(figures.reduce((sum, figure) => sum + Math.log(figure), 0) / figures.length);

const shown = (figure: number): string => short(figure).toLocaleString('en');
