import { consistentHash } from '../../lib/core/assignment/strategies/consistent-hash.js';
import type { AssignmentStrategy } from '../../lib/core/assignment/assignment-strategy.js';
import { TestCluster, type TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { Traffic } from './traffic.js';

/** When the tasks are due. `none`: not while it is looked at. `second`: once a minute, on a whole second. `apart`: once a minute, each on its own millisecond. */
export type Due = 'none' | 'second' | 'apart';

export interface Size {
  readonly nodes: number;
  readonly tasks: number;
  readonly due: Due;
}

/** Nodes come in so many groups, spread over a resync interval, so that not all of them resync at once. */
const GROUPS = 10;
const RESYNC_MS = 30_000;
const MINUTE_MS = 60_000;

/** What the nodes have done. */
interface Tally {
  ticks: number;
  placements: number;
}

/** Real nodes on a virtual clock, whose traffic, ticks and placements are counted. */
export class VirtualCluster {
  readonly traffic: Traffic;

  private constructor(
    readonly cluster: TestCluster,
    private readonly size: Size,
    readonly tally: Tally,
  ) {
    this.traffic = new Traffic(cluster.store);
  }

  /** One node that has added the tasks. */
  static async fill(size: Size): Promise<VirtualCluster> {
    const tally: Tally = { ticks: 0, placements: 0 };
    const strategy: AssignmentStrategy = {
      ...consistentHash,
      assign: (units, candidates) => {
        tally.placements++;
        return consistentHash.assign(units, candidates);
      },
    };
    const handlers = { job: () => void tally.ticks++ };
    const cluster = await TestCluster.start({ nodes: 0, handlers, options: { strategy } });
    const filled = new VirtualCluster(cluster, size, tally);
    const [node] = await filled.join(1);
    await cluster.during(Promise.all(Array.from({ length: size.tasks }, (_, i) => filled.addTask(node!, i))));
    return filled;
  }

  /** The other nodes. */
  async complete(): Promise<void> {
    let left = this.size.nodes - 1;
    for (let group = 0; group < GROUPS; group++) {
      const count = Math.ceil(left / (GROUPS - group));
      await this.join(count);
      left -= count;
      await this.cluster.advance(RESYNC_MS / GROUPS);
    }
  }

  async join(count: number): Promise<TestNode[]> {
    const nodes = Array.from({ length: count }, () =>
      this.cluster.makeNode({ wrap: (registry) => this.traffic.wrap(registry) }),
    );
    await this.cluster.settle(nodes);
    return nodes;
  }

  /** Its calls take a while, so that the others hear of its steps one by one, as they do over a network. */
  async joinSlowly(): Promise<TestNode> {
    const node = this.cluster.makeNode({ wrap: (registry) => this.traffic.wrap(registry) });
    node.host.fate = () => ({ lateMs: 1 });
    await this.cluster.settle([node]);
    return node;
  }

  async leave(node: TestNode): Promise<void> {
    this.cluster.nodes.splice(this.cluster.nodes.indexOf(node), 1);
    await this.cluster.during(node.service.stop());
  }

  /** Its session is over at once: what follows is the same after ten seconds. */
  kill(node: TestNode): void {
    const { session } = node.scheduler.membership.keeper;
    this.cluster.crash(node);
    this.cluster.store.endSession(session!.id);
  }

  owners(): Map<string, string> {
    const { nodes } = this.cluster;
    return new Map(nodes.flatMap(({ id, scheduler }) => scheduler.owned.map(({ name }) => [name, id] as const)));
  }

  private addTask({ service }: TestNode, i: number): Promise<unknown> {
    const { due, tasks } = this.size;
    const name = `report:tenant-${i}`;
    const payload = { tenant: `tenant-${i}` };
    if (due === 'none') {
      const cron = `${i % 60} ${1 + (i % 23)} * * *`; // after the first hour
      return service.addTask({ name, handler: 'job', payload, schedule: { cron } });
    }
    if (due === 'second') {
      return service.addTask({ name, handler: 'job', payload, schedule: { cron: `${i % 60} * * * * *` } });
    }
    const startAt = new Date(this.cluster.clock.now() + Math.ceil(((i + 1) * MINUTE_MS) / tasks));
    return service.addTask({ name, handler: 'job', payload, schedule: { every: MINUTE_MS }, startAt });
  }
}
