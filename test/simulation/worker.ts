/** A thread of the swarm: takes seeds, answers with what they found. */
import { parentPort } from 'node:worker_threads';
import { simulate } from './simulate.js';
import { timelineOf } from './timeline.js';

interface SeedOutcome {
  seed: number;
  starts: number;
  strayed: boolean;
}

export interface WorkerAnswer {
  outcomes: (SeedOutcome | (SeedOutcome & { violations: { rule: string; message: string }[]; timeline: string[] }))[];
  counts: Map<string, number>;
}

/** Of so many seeds one is run twice, to see that it replays. */
const REPLAYED = 50;

const unhandled: string[] = [];
process.on('unhandledRejection', (error) =>
  unhandled.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);

parentPort!.on('message', (seeds: number[]) => void run(seeds));

async function run(seeds: readonly number[]): Promise<void> {
  const answer: WorkerAnswer = { outcomes: [], counts: new Map() };
  for (const seed of seeds) {
    const { violations, counts, starts, log, digest } = await simulate(seed);
    for (const message of unhandled.splice(0)) violations.push({ rule: 'unhandled', message });
    for (const [what, times] of counts) answer.counts.set(what, (answer.counts.get(what) ?? 0) + times);
    const strayed = seed % REPLAYED === 0 && (await simulate(seed)).digest !== digest;
    const outcome = { seed, starts, strayed };
    if (violations.length === 0) answer.outcomes.push(outcome);
    else {
      const plain = violations.map(({ rule, message }) => ({ rule, message }));
      answer.outcomes.push({ ...outcome, violations: plain, timeline: timelineOf(violations[0]!, log) });
    }
  }
  parentPort!.postMessage(answer);
}
