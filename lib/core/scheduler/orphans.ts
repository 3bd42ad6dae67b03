import type { ClusterView } from '../cluster/cluster-view.js';
import type { NodeRecord } from '../cluster/node-record.js';
import { tellDuration } from '../common/duration.js';
import type { KnownTask } from '../task/catalog.js';
import type { TaskDocument } from '../task/task-definition.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { TaskWriter } from './task-writer.js';

/**
 * Static tasks that no code declares any more: no node that is there has their handler.
 *
 * ```
 *            absent from every node          `pruneAfter` later,
 *   declared ──── at two resyncs ───▶ orphaned ── at two ──▶ purged
 *       ▲                               │
 *       └── a node has the handler again┘
 * ```
 *
 * One node notes it, the one with the smallest id. Tombstones stay: what an operator deleted is not to come back with an
 * older version of the code.
 */
export class Orphans {
  /** Those nobody had at the last resync, by generation: a deploy may have been under way. */
  private suspected = new Set<string>();
  /** Those whose time was over at the last resync: what is purged is gone for good, and a clock may be wrong for a while. */
  private doomed = new Set<string>();

  constructor(
    private readonly context: SchedulerContext,
    private readonly view: ClusterView,
    private readonly writer: TaskWriter,
    private readonly pruneAfterMs: number | undefined,
  ) {}

  /** Called at each resync, after nodes and tasks have been listed. */
  async look(): Promise<void> {
    const nodes = this.view.list();
    const isJudge = this.isJudge(nodes);
    const handlers = new Set(nodes.flatMap((node) => node.handlers));
    const { suspected: before, doomed } = this;
    this.suspected = new Set();
    this.doomed = new Set();
    for (const task of [...this.context.catalog.values()]) {
      const { definition, generation, orphanedSince } = task.doc;
      if (definition.source !== 'static' || task.doc.state === 'deleted' || task.doc.state === 'purged') continue;
      if (handlers.has(definition.handler)) {
        if (orphanedSince !== undefined && isJudge) await this.writer.change(task.name, adopted);
        continue;
      }
      this.suspected.add(generation);
      if (before.has(generation) && isJudge) await this.noteOrPrune(task, doomed.has(generation));
    }
  }

  /** Workers judge: where there are none but observers, nothing is deployed, and everything would be orphaned. */
  private isJudge(nodes: readonly NodeRecord[]): boolean {
    const able = nodes
      .filter(({ status, handlers }) => status === 'working' && handlers.length > 0)
      .map(({ id }) => id);
    return able.sort()[0] === this.context.node.id;
  }

  private async noteOrPrune({ name, doc }: KnownTask, isDoomed: boolean): Promise<void> {
    const { clock, logger } = this.context;
    const { orphanedSince } = doc;
    const now = clock.now();
    if (orphanedSince === undefined) {
      const isSame = (held: TaskDocument): boolean => held.generation === doc.generation && held.state === doc.state;
      const noted = await this.writer.change(name, (held) => (held && isSame(held) ? orphaned(held, now) : undefined));
      if (noted?.doc.orphanedSince !== now) return;
      logger.warn(`Task "${name}" is declared in code, and no node has that code any more`, {
        cure: this.pruneAfterMs === undefined ? 'purgeTask' : `it is purged in ${tellDuration(this.pruneAfterMs)}`,
      });
    } else if (this.pruneAfterMs !== undefined && now - orphanedSince >= this.pruneAfterMs) {
      this.doomed.add(doc.generation);
      if (!isDoomed) return;
      await this.writer.purge(name, (held) => held.orphanedSince === orphanedSince && held.state !== 'deleted');
      if (this.context.catalog.get(name)) return;
      logger.log(`Task "${name}" is purged: no node has declared it since ${new Date(orphanedSince).toISOString()}`);
    }
  }
}

function orphaned(doc: TaskDocument, since: number): TaskDocument | undefined {
  return doc.orphanedSince === undefined ? { ...doc, orphanedSince: since } : undefined;
}

/** Somebody has its code again. @returns `undefined` where that is nothing new */
export function adopted(doc: TaskDocument | undefined): TaskDocument | undefined {
  if (doc?.orphanedSince === undefined) return undefined;
  const { orphanedSince: _since, ...rest } = doc;
  return rest;
}
