import { FAULTS } from './faults.js';

/** Branches of the protocol that a run has to have been through, beside every fault: what never happened proves nothing. */
const BRANCHES = [
  'start schedule',
  'start misfire',
  'start recovery',
  'start manual',
  'start of a further attempt',
  'handler returned',
  'handler threw',
  'abort',
  'outcome succeeded',
  'outcome failed',
  'outcome timed-out',
  'outcome cancelled',
  'outcome lost',
  'skip coalesced',
  'skip misfire-skipped',
  'skip too-late',
  'skip over-limit',
  'skip data-lost',
  'skip overlap',
  'run released',
  'runs in parallel',
  'event registry.amnesia',
  'event session.lost',
  'event run.retrying',
  'answer done',
  'answer refused',
  'answer unknown',
  'request lost',
  'request late',
  'request sent twice',
  'reply lost',
  'reply late',
  'change lost',
  'change late',
] as const;

export function missing(counts: ReadonlyMap<string, number>): string[] {
  const expected = [...Object.keys(FAULTS).map((name) => `fault ${name}`), ...BRANCHES];
  return expected.filter((what) => !counts.get(what));
}
