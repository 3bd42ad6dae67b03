import type { LogEntry } from './log.js';
import type { End, Rule } from './rule.js';
import { RULES } from './rules.js';
import { World, type CheckerOptions } from './world.js';

/** A rule of the protocol that the log breaks. */
export interface Violation {
  rule: string;
  /** What was seen, and why it must not be. */
  message: string;
  /** The entry that shows it; absent for what was missing at the end. */
  entry?: LogEntry;
}

/**
 * Holds a log against the invariants of the protocol, entry by entry, in the order in which things happened. Safety
 * is judged at each entry, liveness when `finish` says that the cluster is healed and has had its time.
 *
 * It can be fed from any source: the simulation tells of every write of the registry, real clusters of what their
 * handlers did and of the documents as they stand at the end; what a log cannot show is not judged.
 *
 * @example
 * ```ts
 * const checker = new Checker();
 * for (const line of lines) checker.take(JSON.parse(line) as LogEntry);
 * checker.finish({ now: Date.now() });
 * expect(checker.violations).toEqual([]);
 * ```
 */
export class Checker {
  readonly violations: Violation[] = [];
  private readonly world: World;
  private readonly rules: readonly Rule[];

  constructor(options: Partial<CheckerOptions> = {}) {
    this.world = new World(options);
    this.rules = RULES.map((make) => make(this.world));
  }

  take(entry: LogEntry): void {
    this.world.now = entry.at;
    const change = entry.type === 'write' ? this.world.unitChange(entry) : undefined;
    const judged = entry.type !== 'write' || !entry.restored;
    for (const rule of judged ? this.rules : []) {
      this.note(rule, rule.entry?.(entry), entry);
      if (entry.type === 'start') this.note(rule, rule.start?.(entry), entry);
      if (change) this.note(rule, rule.unit?.(change), entry);
    }
    this.world.take(entry, change);
  }

  /** All faults are over and the cluster has had time to settle: what should have come about has to be there. */
  finish(end: End): void {
    for (const rule of this.rules) this.note(rule, rule.finish?.(end));
  }

  private note({ name }: Rule, messages: Iterable<string> | void, entry?: LogEntry): void {
    for (const message of messages ?? []) this.violations.push({ rule: name, message, ...(entry && { entry }) });
  }
}
