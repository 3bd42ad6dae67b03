import { BoundedCache } from '../common/bounded-cache.js';
import { hash32 } from '../common/hash.js';
import type { LoggerPort } from '../common/logger.js';
import { keys } from '../registry/keyspace.js';
import type { Entry, Revision } from '../registry/registry.js';
import { bounded } from '../schedule/bounds.js';
import { jittered } from '../schedule/jitter.js';
import { compileSchedule, isOnce } from '../schedule/schedule-spec.js';
import type { Schedule } from '../schedule/schedule.js';
import { DEFAULT_POLICIES, type ResolvedPolicies } from './policies.js';
import { decodeTask, isLive, type TaskDocument } from './task-definition.js';
import { unitsOf, type Unit } from './unit.js';

/** One task as this node knows it: the document, and what was computed from it once. */
export interface KnownTask {
  readonly name: string;
  readonly doc: TaskDocument;
  readonly revision: Revision;
  /** The token of the document's version: a higher one is newer. */
  readonly token: bigint;
  readonly schedule: Schedule;
  /** Equal for equal ticks: what was noted about ticks of another schedule says nothing about this one. */
  readonly scheduleKey: string;
  readonly policies: ResolvedPolicies;
  /** What a node must have to run it; equal for equal needs. */
  readonly need: string;
  readonly units: readonly Unit[];
}

export type TaskChange = { type: 'put'; task: KnownTask; before?: KnownTask } | { type: 'removed'; before: KnownTask };

/**
 * This node's replica of the task documents, tombstones included. It may lag behind the registry: claims are fenced by
 * the unit documents, so a stale replica costs a lost claim and never a wrong run.
 */
export class Catalog {
  private readonly known = new Map<string, KnownTask>();
  /** Most tasks need the same: one string for all of them. */
  private readonly needs = new BoundedCache<string>(1_000);

  constructor(
    private readonly onChange: (change: TaskChange) => void,
    private readonly logger: LoggerPort,
  ) {}

  get(name: string): KnownTask | undefined {
    return this.known.get(name);
  }

  values(): IterableIterator<KnownTask> {
    return this.known.values();
  }

  /** Takes in one version of a document; an older one than known is ignored. */
  apply(entry: Entry): KnownTask | undefined {
    const name = entry.key.slice(keys.tasks.length);
    const before = this.known.get(name);
    if (before && before.token >= entry.token) return before;
    const task = this.compile(name, entry, before);
    if (!task) return before;
    this.known.set(name, task);
    this.onChange(before ? { type: 'put', task, before } : { type: 'put', task });
    return task;
  }

  /** The document is gone. `token`: of the version that was known when the question was asked. */
  forget(name: string, token?: bigint): void {
    const before = this.known.get(name);
    if (!before || (token !== undefined && before.token > token)) return;
    this.known.delete(name);
    this.onChange({ type: 'removed', before });
  }

  /** A complete list, read after `before` was taken: what is not in it and has not changed since is gone. */
  replaceAll(entries: readonly Entry[], before: ReadonlyMap<string, bigint>): void {
    const present = new Set(entries.map((entry) => entry.key.slice(keys.tasks.length)));
    for (const entry of entries) this.apply(entry);
    for (const [name, token] of before) if (!present.has(name)) this.forget(name, token);
  }

  /** What is known now, by token: taken before a list is asked for, given to `replaceAll` after. */
  tokens(): Map<string, bigint> {
    return new Map([...this.known].map(([name, task]) => [name, task.token]));
  }

  private shared(need: string): string {
    return this.needs.get(need, () => need);
  }

  private compile(name: string, entry: Entry, before: KnownTask | undefined): KnownTask | undefined {
    const doc = decodeTask(entry.value);
    try {
      if (!doc) throw new Error('it is not a task document');
      const { token, revision } = entry;
      const policies = { ...DEFAULT_POLICIES, ...doc.definition.policies };
      const units = isLive(doc)
        ? before?.units.length && before.doc.generation === doc.generation
          ? before.units
          : unitsOf(name, doc)
        : [];
      return {
        name,
        doc,
        revision,
        token,
        policies,
        need: this.shared(needOf(doc, policies)),
        units,
        schedule: ticksOf(name, doc, policies),
        scheduleKey: scheduleKeyOf(doc, policies),
      };
    } catch (error) {
      this.logger.error('A task document cannot be read and is left alone; write it again with putTask or purge it', {
        task: name,
        error: (error as Error).message,
      });
      return undefined;
    }
  }
}

/** The ticks of a task, and when its runs start: its schedule under its policies. */
function ticksOf(name: string, { definition }: TaskDocument, policies: ResolvedPolicies): Schedule {
  const schedule = bounded(compileSchedule(definition.schedule), policies);
  return policies.jitterMs === undefined || isOnce(definition.schedule)
    ? schedule
    : jittered(schedule, policies.jitterMs, name);
}

/** The handler, or whoever takes dynamic tasks without one, its labels and its group. */
function needOf({ definition: { handler, source } }: TaskDocument, { nodeSelector, group }: ResolvedPolicies): string {
  return JSON.stringify([handler, source, nodeSelector, group]);
}

/** Names the ticks of a task: another schedule or other bounds, another name. */
export function scheduleKeyOf({ definition }: TaskDocument, { startAt, endAt }: ResolvedPolicies): string {
  return hash32(JSON.stringify([definition.schedule, startAt, endAt])).toString(36);
}
