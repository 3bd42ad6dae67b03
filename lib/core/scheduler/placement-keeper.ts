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
  private readonly homeless = new Set<string>();

  constructor(
    private readonly context: SchedulerContext,
    private readonly view: ClusterView,
    private readonly strategy: AssignmentStrategy,
    private readonly loop: TickLoop,
    private readonly isWorking: () => boolean,
  ) {}

  /** Something has changed that assignment looks at. */
  changed(): void {
    if (this.due || !this.isWorking()) return;
    this.due = this.context.clock.setTimer(0, () => {
      this.due = undefined;
      if (this.isWorking()) this.place();
    });
  }

  dispose(): void {
    this.due?.dispose();
  }

  private place(): void {
    const { node, catalog } = this.context;
    const { placed, homeless } = placementOf(node.id, catalog, this.view, this.strategy);
    this.loop.replace(placed);
    this.report(homeless);
  }

  /** A task that no node can run is no error, a deploy may be under way; but nobody shall have to guess why it is silent. */
  private report(homeless: readonly KnownTask[]): void {
    const names = new Set(homeless.map(({ name }) => name));
    for (const name of this.homeless) if (!names.has(name)) this.homeless.delete(name);
    for (const { name, doc, policies } of homeless) {
      if (this.homeless.has(name)) continue;
      this.homeless.add(name);
      const { handler } = doc.definition;
      const message = `Task "${name}" waits: no working node has its handler "${handler}" and the labels it asks for`;
      this.context.logger.warn(message, { nodeSelector: policies.nodeSelector });
    }
  }
}
