/**
 * npm run bench -- next [--rounds 3] [--ms 200] [--schedules 100000] [--json] [--write]
 *
 * How fast the next tick is computed, and what a parsed schedule weighs: ours beside other libraries, in one run. A walk
 * goes from tick to tick through ten years, so that every call is really computed: ours remembers its latest answer. Rounds
 * are interleaved over the libraries, `--ms` is the time of one library in one round; all that depends on memory or on a
 * cold start is measured in fresh processes.
 */
import { parseArgs } from 'node:util';
import { BenchProcess } from './common/bench-process.js';
import { publish } from './common/report.js';
import { spreadOf, type Spread } from './common/statistics.js';
import type { NextJob, NextReport } from './next-worker.js';
import { WALKS, type Walk } from './next/expressions.js';
import { inZone, peers, type Peer } from './next/peers.js';
import { goalsOf, heldRows, libraryRows, rateRows, type Library, type Rate } from './next/tables.js';
import { firstTicks, sameAskedPerSecond, walksPerSecond } from './next/walk.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: 'string', default: '3' },
    ms: { type: 'string', default: '200' },
    schedules: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const rounds = Number(values.rounds);
const ms = Number(values.ms);
const schedules = Number(values.schedules);
/** Ticks that are compared with ours. */
const COMPARED = 300;
/** Distinct expressions that are weighed. */
const WEIGHED = 10_000;

process.env.TZ = 'UTC';
const names = Object.keys(peers);
const all = await Promise.all(names.map((name) => peers[name]!()));

/** Of every peer in turn, so often. */
function interleaved({ expression, zone }: Walk, measure: (peer: Peer, parsed: unknown) => number): Spread[] {
  const parsed = all.map((peer) => inZone(peer, zone, () => peer.parse(expression, zone)));
  const figures: number[][] = all.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, peer] of all.entries()) {
      const figure = inZone(peer, zone, () => measure(peer, parsed[i]));
      if (round > 0) figures[i]!.push(figure); // the first warms up
    }
  }
  return figures.map(spreadOf);
}

function rateOf(walk: Walk): Rate {
  const { title, expression, zone } = walk;
  const ticks = all.map((peer) => inZone(peer, zone, () => firstTicks(peer, peer.parse(expression, zone), COMPARED)));
  const own = new Set(ticks[0]);
  const differing = ticks.map((given) => {
    const theirs = new Set(given);
    return [...own, ...given].filter((tick) => own.has(tick) !== theirs.has(tick)).length;
  });
  const perSecond = interleaved(walk, (peer, parsed) => walksPerSecond(peer, parsed, ms));
  console.error(`${title}: done`);
  return { title, perSecond, differing };
}

/** Reports of each library, over the rounds; one fresh process at a time. */
async function inFreshProcesses(work: NextJob['work'], count: number): Promise<NextReport[][]> {
  const reports: NextReport[][] = names.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, library] of names.entries()) {
      // only ours has to hold all schedules: others would take minutes, or all memory
      const limits =
        i === 0 ? { limitMs: Number.MAX_VALUE, limitMB: Number.MAX_VALUE } : { limitMs: 4_000, limitMB: 1_024 };
      const job: NextJob = { library, work, count, ...limits };
      const worker = new BenchProcess<NextReport>(new URL('next-worker.ts', import.meta.url), job);
      try {
        reports[i]!.push(await worker.report());
        await worker.leave();
      } finally {
        worker.kill();
      }
    }
  }
  console.error(`${work}: done`);
  return reports;
}

const rates = WALKS.map(rateOf);
const weekdays = WALKS[2]!;
const again: Rate = {
  title: `${weekdays.title}, asked again for one instant`,
  perSecond: interleaved(weekdays, (peer, parsed) => sameAskedPerSecond(peer, parsed, ms)),
  differing: all.map(() => 0),
};
const [cold, bytes, shared, distinct] = [
  await inFreshProcesses('cold', 0),
  await inFreshProcesses('bytes', WEIGHED),
  await inFreshProcesses('shared', schedules),
  await inFreshProcesses('distinct', schedules),
];
const libraries = all.map(({ name, version }, i): Library => ({
  name: `${name} ${version}`.trim(),
  cold: cold[i]!,
  bytes: bytes[i]!,
  shared: shared[i]!,
  distinct: distinct[i]!,
}));

await publish(
  {
    scenario: 'next',
    tables: [
      {
        title: 'Libraries: ticks per second, cold starts, bytes of a schedule',
        rows: libraryRows(libraries, rates),
        chart: {
          label: ['library'],
          value: 'next ticks per second, geometric mean',
          isOurs: ({ library }) => library === 'ours',
        },
      },
      {
        title: 'Next ticks per second, each computed from the one before',
        rows: rateRows(libraries, [...rates, again]),
      },
      {
        title: `${schedules.toLocaleString('en')} schedules held, each with its next tick`,
        rows: heldRows(libraries, schedules),
      },
    ],
    goals: goalsOf(libraries, rates),
    notes: [
      `Where a library finds other ticks than ours, it is said how many of the first ${COMPARED}.`,
      'cron-schedule knows only the zone of its process: it walks in a process of that zone, and holds its schedules in UTC.',
      'Bytes are those of 10,000 different expressions. Where not all schedules were held, seconds and memory are scaled up from those that were.',
    ],
  },
  values,
);
