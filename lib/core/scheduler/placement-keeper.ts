import { isCandidate } from '../cluster/node-record.js';
import type { AssignmentStrategy } from '../assignment/assignment-strategy.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import type { Disposable } from '../common/disposable.js';
import type { KnownTask } from '../task/catalog.js';
import { placementOf } from './placement.js';
import type { SchedulerContext } from './scheduler-context.js';
import { strategyInForce, type StrategyInForce } from './strategy-in-force.js';
import type { TickLoop } from './tick-loop.js';

/** For each millisecond of placing so many without. */
const REST = 3;

/** Keeps what this node looks after in step with the catalog and the view; changes of one turn are taken together. */
export class PlacementKeeper {
  private due?: Disposable;
  private all = false;
  private fresh: KnownTask[] = [];
  private inForce: StrategyInForce;
  /** Not to place again before, in monotonic time: placing is not to take more than a quarter of this node's time. */
  private restUntil = 0;
  /** The strategy that was last told of. */
  private reported: string;
  private readonly homeless = new Set<string>();
  /** Groups of tasks that this node could run if it knew their limits. */
  private readonly unknownGroups = new Set<string>();

  constructor(
    private readonly context: SchedulerContext,
    private readonly view: ClusterView,
    private readonly own: AssignmentStrategy,
    private readonly loop: TickLoop,
    private readonly isWorking: () => boolean,
  ) {
    this.inForce = strategyInForce(view, own);
    this.reported = own.name;
  }

  /** Something has changed that assignment looks at. */
  changed(): void {
    this.all = true;
    this.placeSoon();
  }

  /** One more task and nothing else: where the strategy places each unit by itself, the others stay where they are. */
  added(task: KnownTask): void {
    if (!this.inForce.strategy?.independent) return this.changed();
    this.fresh.push(task);
    this.placeSoon();
  }

  dispose(): void {
    this.due?.dispose();
  }

  private placeSoon(): void {
    if (this.due || !this.isWorking()) return;
    const { clock } = this.context;
    const delayMs = Math.max(0, this.restUntil - clock.monotonic());
    this.due = clock.setTimer(delayMs, () => {
      const { all, fresh } = this;
      [this.due, this.all, this.fresh] = [undefined, false, []];
      if (!this.isWorking()) return;
      const since = clock.monotonic();
      if (all) this.placeAll();
      else this.place(fresh);
      const until = clock.monotonic();
      this.restUntil = until + REST * (until - since);
    });
  }

  private placeAll(): void {
    const { node, catalog } = this.context;
    this.lookUpStrategy();
    const { placed, homeless } = placementOf(node.id, catalog.values(), this.view, this.inForce);
    this.loop.replace(placed);
    const names = new Set(homeless.map(({ name }) => name));
    for (const name of this.homeless) if (!names.has(name)) this.homeless.delete(name);
    this.report(homeless);
    this.reportGroups(catalog.values());
  }

  private place(tasks: readonly KnownTask[]): void {
    const { placed, homeless } = placementOf(this.context.node.id, tasks, this.view, this.inForce);
    for (const { unit, role } of placed.values()) this.loop.take(unit, role);
    this.report(homeless);
    this.reportGroups(tasks);
  }

  private lookUpStrategy(): void {
    const { name, strategy } = (this.inForce = strategyInForce(this.view, this.own));
    if (name === this.reported) return;
    this.reported = name;
    if (name === this.own.name) return;
    const follows = strategy ? 'follows' : 'lacks that: it is given no task';
    const what = `Tasks are shared out by "${name}", as most nodes are configured; this node has "${this.own.name}" in its option assignment, and ${follows}`;
    this.context.logger.warn(what, { cure: 'give all nodes the same assignment' });
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
