/**
 * The simulation as a command:
 *
 *   --seeds N     how many, after those that failed before   @default 2000
 *   --from N      the first one                               @default 1
 *   --seed N      this one alone, twice: what it finds, and that it replays
 *   --bail        stop at the first that fails
 *   --workers N   @default 2
 *   --json        the last line is one JSON object
 */
import { parseArgs } from 'node:util';
import { KNOWN_SEEDS } from './known-seeds.js';
import { missing } from './coverage.js';
import { replay } from './replay.js';
import { Swarm } from './swarm.js';

const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    workers: { type: 'string', default: '2' },
    bail: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

if (given.seed !== undefined) process.exitCode = (await replay(whole(given.seed, 'seed'))) ? 0 : 1;
else await runSwarm();

async function runSwarm(): Promise<void> {
  const [from, count] = [whole(given.from, 'from'), whole(given.seeds, 'seeds')];
  const fresh = Array.from({ length: count }, (_, index) => from + index);
  const seeds = [...new Set([...KNOWN_SEEDS, ...fresh])];
  const started = performance.now();
  const swarm = new Swarm(whole(given.workers, 'workers'), given.bail);
  swarm.onFailure = ({ seed, violations, timeline }) => {
    console.log(`\nseed ${seed} breaks ${violations.length} rules`);
    for (const { rule, message } of violations.slice(0, 5)) console.log(`  ${rule}: ${message}`);
    for (const line of timeline) console.log(`    ${line}`);
    console.log(`  again: npm run test:simulation -- --seed ${seed}`);
  };
  const { done, failures, counts, starts, strayed } = await swarm.run(seeds);
  const seconds = (performance.now() - started) / 1_000;
  // A few seeds cannot meet everything; a run that means to prove something must.
  const unmet = count >= 500 && failures.length === 0 ? missing(counts) : [];
  for (const seed of strayed) console.log(`seed ${seed} did not replay: its second run left another trace`);
  if (!given.json) {
    const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
    console.log(`\n${sorted.map(([what, times]) => `${what}: ${times}`).join('; ')}`);
    for (const what of unmet) console.log(`never happened: ${what}`);
    const rate = (done / seconds).toFixed(1);
    console.log(
      `\n${done} seeds (${KNOWN_SEEDS.length} of them failed once), ${starts} starts, ${rate} seeds/s in ${seconds.toFixed(0)} s`,
    );
    console.log(`${done - failures.length} passed, ${failures.length + unmet.length + strayed.length} failed`);
  } else {
    const short = failures.map(({ seed, violations }) => ({ seed, ...violations[0]! }));
    console.log(
      JSON.stringify({ seeds: done, passed: done - failures.length, failures: short, unmet, strayed, starts, seconds }),
    );
  }
  process.exitCode = failures.length + unmet.length + strayed.length === 0 ? 0 : 1;
}

function whole(text: string, option: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`--${option} takes a whole number, not ${JSON.stringify(text)}`);
  process.exit(2);
}
