import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import { TestCluster, type TestClusterOptions, type TestNode } from '../../lib/testing/cluster/test-cluster.js';

/** What a handler was called with, and when. */
export interface Started {
  task: string;
  node: string;
  tick?: number;
  at: number;
  trigger: string;
  attempt: number;
  token: bigint;
  run: TaskRun;
}

export interface ProbedCluster {
  cluster: TestCluster;
  started: Started[];
  /** Starts of one task, in order. */
  of(task: string): Started[];
  /** Adds a task by the first node. */
  add(task: string, policies: object, schedule?: object | 'now'): Promise<void>;
  unitOf(task: string): UnitState;
  /** The node of the first start, and another one. */
  firstAndOther(): { first: TestNode; other: TestNode };
}

/** A cluster whose default handler notes each start, then does `work`. */
export async function probedCluster(
  options: TestClusterOptions = {},
  work: Handler = () => undefined,
): Promise<ProbedCluster> {
  const started: Started[] = [];
  const handler: Handler = (run) => {
    const { task, nodeId: node, trigger, attempt, fencingToken: token, tick } = run;
    started.push({
      task,
      node,
      trigger,
      attempt,
      token,
      at: cluster.clock.now(),
      run,
      ...(tick && { tick: tick.getTime() }),
    });
    return work(run);
  };
  const cluster = await TestCluster.start({ ...options, handlers: { '*': handler, ...options.handlers } });
  return {
    cluster,
    started,
    of: (task) => started.filter((start) => start.task === task),
    async add(name, policies, schedule = 'now') {
      await cluster.during(cluster.node(0).service.addTask({ name, schedule: schedule as 'now', ...policies }));
    },
    unitOf(task) {
      const [entry] = cluster.store.list(`test/units/${task}@`, {}).entries;
      return JSON.parse(entry!.value) as UnitState;
    },
    firstAndOther() {
      const first = cluster.nodes.find(({ id }) => id === started[0]!.node)!;
      return { first, other: cluster.nodes.find((node) => node !== first)! };
    },
  };
}

/** A handler that fails. */
export const failing = (): never => {
  throw new Error('boom');
};

/** A handler that ends when its signal aborts, with its reason. */
export const untilAborted = ({ signal }: TaskRun): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/** The instants, as seconds after `from`. */
export function secondsAfter(from: number, starts: readonly { tick?: number }[]): number[] {
  return starts.map(({ tick }) => (tick! - from) / 1_000);
}

/** Resolves when the node asks the registry for its time, as beside a renewal; `then` is called right before. */
export async function atNextMeasurement(
  { cluster }: ProbedCluster,
  node: TestNode,
  then: () => void = () => undefined,
): Promise<void> {
  const { registry } = node.scheduler.context;
  const serverTime = registry.serverTime!.bind(registry);
  let asked = false;
  registry.serverTime = () => {
    registry.serverTime = serverTime;
    asked = true;
    then();
    return serverTime();
  };
  await cluster.clock.advanceUntil(() => asked);
}
