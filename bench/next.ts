/**
 * npm run bench -- next [--rounds 5] [--ms 200] [--schedules 100000] [--json]
 *
 * How fast the next tick is computed, and what a parsed schedule weighs: ours beside `cron-parser` raw, `croner` and
 * `cron`, in one run. A walk goes from tick to tick through ten years, so that every call is really computed: ours
 * remembers its latest answer. Rounds are interleaved over the libraries, `--ms` is the time of one library in one round;
 * all that depends on memory or on a cold start is measured in fresh processes. Figures are medians: read the ratios.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { NextJob, NextReport } from './next-worker.js';
import { WALKS } from './next/expressions.js';
import { peers, type Peer } from './next/peers.js';
import { firstTicks, sameAskedPerSecond, walksPerSecond } from './next/walk.js';
import { machineFacts } from './common/machine.js';
import { median, short, spreadOf, type Spread } from './common/statistics.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '200' },
    schedules: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
  },
});

const rounds = Number(values.rounds);
const ms = Number(values.ms);
const schedules = Number(values.schedules);
/** Ticks that are compared with ours. */
const COMPARED = 300;
/** Distinct expressions that are weighed. */
const WEIGHED = 10_000;
/** Only ours has to hold all schedules: others would take minutes, or all memory. */
const limitsOf = (library: string) =>
  library === names[0] ? { limitMs: Number.MAX_VALUE, limitMB: Number.MAX_VALUE } : { limitMs: 8_000, limitMB: 1_024 };
const MB = 1_048_576;

const names = Object.keys(peers);
const all = await Promise.all(names.map((name) => peers[name]!()));

interface Rate {
  readonly title: string;
  readonly perSecond: readonly Spread[];
  readonly differing: readonly number[];
}

/** Of every peer in turn, so often. */
function interleaved(measure: (peer: Peer) => number): Spread[] {
  const figures: number[][] = all.map(() => []);
  for (const peer of all) measure(peer); // warm
  for (let round = 0; round < rounds; round++) all.forEach((peer, i) => figures[i]!.push(measure(peer)));
  return figures.map(spreadOf);
}

function rateOf(title: string, expression: string, zone: string): Rate {
  const parsed = new Map(all.map((peer) => [peer, peer.parse(expression, zone)]));
  const own = new Set(firstTicks(all[0]!, parsed.get(all[0]!), COMPARED));
  const differing = all.map((peer) => {
    const theirs = new Set(firstTicks(peer, parsed.get(peer), COMPARED));
    return [...own, ...theirs].filter((tick) => own.has(tick) !== theirs.has(tick)).length;
  });
  return { title, differing, perSecond: interleaved((peer) => walksPerSecond(peer, parsed.get(peer), ms)) };
}

async function inFreshProcess(job: NextJob): Promise<NextReport> {
  const child = fork(new URL('next-worker.ts', import.meta.url), { execArgv: [...process.execArgv, '--expose-gc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${job.library} ended with code ${String(code)} while its ${job.work} was measured`);
  });
  child.send(job);
  const [report] = (await Promise.race([once(child, 'message'), ended])) as [NextReport];
  await ended.catch(() => {});
  return report;
}

/** Reports of each library, over the rounds; one process at a time. */
async function measured(work: NextJob['work'], count: number, times = rounds): Promise<NextReport[][]> {
  const reports: NextReport[][] = names.map(() => []);
  for (let round = 0; round < times; round++) {
    for (const [i, library] of names.entries()) {
      reports[i]!.push(await inFreshProcess({ library, work, count, ...limitsOf(library) }));
    }
  }
  process.stderr.write(`${work}: done\n`);
  return reports;
}

const machine = machineFacts();
const rates = WALKS.map(({ title, expression, zone }) => rateOf(title, expression, zone));
const weekdays = WALKS[2]!;
rates.push({
  title: `${weekdays.title}, asked again for one instant`,
  differing: all.map(() => 0),
  perSecond: interleavedSame(weekdays.expression, weekdays.zone),
});
process.stderr.write('walks: done\n');

function interleavedSame(expression: string, zone: string): Spread[] {
  const parsed = new Map(all.map((peer) => [peer, peer.parse(expression, zone)]));
  return interleaved((peer) => sameAskedPerSecond(peer, parsed.get(peer), ms));
}

const cold = await measured('cold', 0);
const weights = await measured('bytes', WEIGHED);
const held = { shared: await measured('shared', schedules), distinct: await measured('distinct', schedules) };

const figure = (reports: readonly NextReport[], name: keyof NextReport): number =>
  median(reports.map((report) => report[name] ?? Number.NaN));

/** Beside each figure how many times ours it is. */
const withRatio = (figures: readonly number[]): Record<string, string> =>
  Object.fromEntries(
    names.map((name, i) => [name, i === 0 ? `${short(figures[0]!)}` : `${short(figures[i]!)} (${ratio(figures, i)})`]),
  );

function ratio(figures: readonly number[], i: number): string {
  const times = figures[i]! / figures[0]!;
  return times < 1 ? `1/${short(1 / times)}` : `× ${short(times)}`;
}

/** Scaled up to all schedules where only so many were held; then it says of how many it is known. */
function heldRow(reports: readonly NextReport[][], name: 'ms' | 'heapBytes' | 'residentBytes', unit: number) {
  const scaled = reports.map((own) => (figure(own, name) / unit) * (schedules / figure(own, 'held')));
  const cells = Object.entries(withRatio(scaled)).map(([library, text], i) => {
    const count = figure(reports[i]!, 'held');
    return [library, count < schedules ? `${text}, from ${count}` : text];
  });
  return Object.fromEntries(cells) as Record<string, string>;
}

if (values.json) {
  const versions = Object.fromEntries(all.map(({ name, version }) => [name, version]));
  console.log(JSON.stringify({ machine, versions, rounds, ms, schedules, names, rates, cold, weights, held }, null, 2));
} else {
  console.log({ machine, versions: all.map(({ name, version }) => `${name} ${version}`.trim()).join(', '), rounds });
  console.log('next ticks per second, each computed from the one before; in brackets the ratio to ours');
  console.table(
    Object.fromEntries(rates.map(({ title, perSecond }) => [title, withRatio(perSecond.map((of) => of.median))])),
  );
  console.log('the same: smallest and largest of the rounds, and how many of the first ticks differ from ours');
  console.table(
    Object.fromEntries(
      rates.map(({ title, perSecond, differing }) => [
        title,
        Object.fromEntries(
          names.map((name, i) => {
            const { min, max } = perSecond[i]!;
            return [name, `${short(min)}–${short(max)}${differing[i] ? `, ${differing[i]} differ` : ''}`];
          }),
        ),
      ]),
    ),
  );
  console.log('cold: parse and first next, in a fresh process');
  const coldRow = (name: keyof NextReport) => withRatio(cold.map((own) => figure(own, name)));
  console.table({
    'the very first, ms': coldRow('firstMs'),
    'a never-seen expression, µs': coldRow('expressionUs'),
    'a never-seen zone, µs': coldRow('zoneUs'),
  });
  console.log(`memory of ${WEIGHED} different expressions, bytes each`);
  const weightRow = (name: keyof NextReport) => withRatio(weights.map((own) => figure(own, name)));
  console.table({ parsed: weightRow('parsedBytes'), 'with its next tick computed': weightRow('heapBytes') });
  console.log(`${schedules} schedules held, with their next ticks`);
  console.table({
    'a thousand different: seconds': heldRow(held.shared, 'ms', 1_000),
    'a thousand different: heap MB': heldRow(held.shared, 'heapBytes', MB),
    'a thousand different: resident MB': heldRow(held.shared, 'residentBytes', MB),
    'all different: seconds': heldRow(held.distinct, 'ms', 1_000),
    'all different: heap MB': heldRow(held.distinct, 'heapBytes', MB),
    'all different: resident MB': heldRow(held.distinct, 'residentBytes', MB),
  });
}
