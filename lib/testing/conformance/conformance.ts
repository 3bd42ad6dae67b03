import { batches } from './batches.js';
import { conditions } from './conditions.js';
import { documents } from './documents.js';
import { linearizability } from './linearizability.js';
import { race } from './race.js';
import { reconnect } from './reconnect.js';
import { runRung } from './rung.js';
import { sessions } from './sessions.js';
import type { ConformanceRunner, ConformanceSubject } from './subject.js';
import { tokens } from './tokens.js';
import { watches } from './watches.js';

/**
 * What every registry must do, as a ladder: each rung uses only what the rungs before it have shown. An adapter that
 * passes can carry the scheduler.
 *
 * @example
 * describeRegistryConformance({ describe, it, expect }, {
 *   name: 'memory',
 *   create: () => new MemoryRegistry({ store }),
 * });
 */
export function describeRegistryConformance(runner: ConformanceRunner, subject: ConformanceSubject): void {
  const ladder = [documents, conditions, batches, sessions, watches, tokens];
  if (subject.faults) ladder.push(reconnect); // Some runners take a group without a test for a failure.
  ladder.push(race, linearizability);
  runner.describe(`registry conformance: ${subject.name}`, () => {
    for (const rung of ladder) runRung(runner, subject, rung);
  });
}
