import { Lab } from './lab.js';
import type { ConformanceRunner, ConformanceSubject } from './subject.js';

/** Adds one test of a rung: it gets a lab of its own, which is torn down whatever happens. */
export type AddTest = (name: string, body: (lab: Lab) => Promise<void>, timeoutMs?: number) => void;

/** One rung of the ladder: a group of tests for one promise of the port. */
export interface Rung {
  readonly name: string;
  add(test: AddTest, expect: ConformanceRunner['expect'], subject: ConformanceSubject): void;
}

/** Generous, because sessions of some stores live for ten seconds and machines of some builds are slow. */
const TEST_MS = 60_000;

export function runRung(runner: ConformanceRunner, subject: ConformanceSubject, rung: Rung): void {
  runner.describe(rung.name, () => {
    const test: AddTest = (name, body, timeoutMs = TEST_MS) =>
      runner.it(
        name,
        async () => {
          const lab = new Lab(subject);
          try {
            await body(lab);
          } finally {
            await lab.close();
          }
        },
        timeoutMs,
      );
    rung.add(test, (actual) => runner.expect(actual), subject);
  });
}
