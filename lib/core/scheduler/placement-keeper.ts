import { isCandidate } from '../cluster/node-record.js';
import type { AssignmentStrategy } from '../assignment/assignment-strategy.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import type { Disposable } from '../common/disposable.js';
import type { KnownTask } from '../task/catalog.js';
import { placementOf } from './placement.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { TickLoop } from './tick-loop.js';

/** Keeps what this node looks after in step with the catalog and the view; changes of one turn are taken together. */
export class PlacementKeeper {
  private due?: Disposable;
  private all = false;
  private fresh: KnownTask[] = [];
  private readonly homeless = new Set<string>();
  /** Groups of tasks that this node could run if it knew their limits. */
  private readonly unknownGroups = new Set<string>();

  constructor(
    private readonly context: SchedulerContext,
    private readonly view: ClusterView,
    private readonly strategy: AssignmentStrategy,
    private readonly loop: TickLoop,
    private readonly isWorking: () => boolean,
  ) {}

  /** Something has changed that assignment looks at. */
  changed(): void {
    this.all = true;
    this.placeSoon();
  }

  /** One more task and nothing else: where the strategy places each unit by itself, the others stay where they are. */
  added(task: KnownTask): void {
    if (!this.strategy.independent) return this.changed();
    this.fresh.push(task);
    this.placeSoon();
  }

  dispose(): void {
    this.due?.dispose();
  }

  private placeSoon(): void {
    if (this.due || !this.isWorking()) return;
    this.due = this.context.clock.setTimer(0, () => {
      const { all, fresh } = this;
      [this.due, this.all, this.fresh] = [undefined, false, []];
      if (!this.isWorking()) return;
      if (all) this.placeAll();
      else this.place(fresh);
    });
  }

  private placeAll(): void {
    const { node, catalog } = this.context;
    const { placed, homeless } = placementOf(node.id, catalog.values(), this.view, this.strategy);
    this.loop.replace(placed);
    const names = new Set(homeless.map(({ name }) => name));
    for (const name of this.homeless) if (!names.has(name)) this.homeless.delete(name);
    this.report(homeless);
    this.reportGroups(catalog.values());
  }

  private place(tasks: readonly KnownTask[]): void {
    const { placed, homeless } = placementOf(this.context.node.id, tasks, this.view, this.strategy);
    for (const { unit, role } of placed.values()) this.loop.take(unit, role);
    this.report(homeless);
    this.reportGroups(tasks);
  }

  /** A task that no node can run is no error, a deploy may be under way; but nobody shall have to guess why it is silent. */
  private report(homeless: readonly KnownTask[]): void {
    for (const { name, doc, policies } of homeless) {
      if (this.homeless.has(name)) continue;
      this.homeless.add(name);
      const { nodeSelector, group } = policies;
      const labels = Object.keys(nodeSelector).length > 0;
      const needs = [
        `its handler "${doc.definition.handler}"`,
        ...(group === undefined ? [] : [`the limits of its group "${group}"`]),
        ...(labels ? ['the labels it asks for'] : []),
      ];
      const message = `Task "${name}" waits: no working node has ${needs.join(' and ')}`;
      this.context.logger.warn(message, labels ? { nodeSelector } : undefined);
    }
  }

  /** Limits hold where all know them: a node that does not leaves such tasks to others, and says so once for each group. */
  private reportGroups(tasks: Iterable<KnownTask>): void {
    const { groups, node, logger } = this.context;
    const self = this.view.get(node.id);
    for (const { name, doc, policies } of tasks) {
      const { group, nodeSelector } = policies;
      if (!groups.lacks(group) || this.unknownGroups.has(group) || !self) continue;
      if (!isCandidate(self, doc.definition, { nodeSelector })) continue;
      this.unknownGroups.add(group);
      const what = `The module option groups of this node has no "${group}": tasks of that group are left to nodes that know its limits`;
      logger.warn(what, { group, task: name });
    }
  }
}
