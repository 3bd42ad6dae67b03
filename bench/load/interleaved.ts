import type { Contestant } from './contestant.js';
import { CONTESTANTS, isOurs } from './contestants.js';
import { run, type Figures, type Trial } from './trial.js';

export interface Measured {
  readonly trial: Trial;
  readonly contestant: Contestant;
  /** Empty where it has failed. */
  readonly rounds: Figures[];
  failure?: string;
}

/** Round 1 of all, round 2 of all, and so on. Who fails is left out from then on: what the others did is worth having. */
export async function interleaved(trials: readonly Trial[], rounds: number): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const trial of trials) all.push({ trial, contestant: await CONTESTANTS[trial.id](), rounds: [] });
  for (let round = 1; round <= rounds; round++) {
    for (const measured of all) {
      if (measured.failure !== undefined) continue;
      const { id, tasks, processes } = measured.trial;
      const what = `round ${round} of ${rounds}: ${id}, ${tasks} tasks, ${processes} process(es)`;
      try {
        const figures = await run(measured.trial);
        measured.rounds.push(figures);
        const { p99, missed, doubled } = figures;
        console.error(`${what}: p99 ${p99.toFixed(1)} ms, ${missed} missed, ${doubled} doubled`);
      } catch (error) {
        measured.failure = String(error);
        measured.rounds.length = 0;
        console.error(`${what}: failed`, error);
        if (isOurs(measured.trial.id)) process.exitCode = 1; // a peer's failure is a result
      }
    }
  }
  return all;
}
