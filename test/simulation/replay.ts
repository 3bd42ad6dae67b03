import { simulate } from './simulate.js';
import { timelineOf } from './timeline.js';

/** Lines of a timeline. */
const WHOLE_STORY = 400;

/** One seed, twice: shows what it finds and whether it replays. @returns whether all is well */
export async function replay(seed: number): Promise<boolean> {
  const first = await simulate(seed);
  const second = await simulate(seed);
  for (const violation of first.violations.slice(0, 10)) {
    console.log(`${violation.rule}: ${violation.message}`);
    for (const line of timelineOf(violation, first.log, WHOLE_STORY)) console.log(`  ${line}`);
    console.log();
  }
  const counts = [...first.counts].sort(([a], [b]) => (a < b ? -1 : 1));
  console.log(counts.map(([what, times]) => `${what}: ${times}`).join('; '));
  console.log(
    `seed ${seed}: ${first.starts} starts, ${first.log.length} entries, ${first.violations.length} violations`,
  );
  console.log(`trace ${first.digest}`);
  console.log(`again ${second.digest}${first.digest === second.digest ? '' : '  DOES NOT REPLAY'}`);
  const sound = first.violations.length === 0 && first.digest === second.digest;
  console.log(sound ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return sound;
}
