import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import { TestCluster, type TestClusterOptions } from '../../lib/testing/cluster/test-cluster.js';

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
  return { cluster, started, of: (task) => started.filter((start) => start.task === task) };
}

/** The instants, as seconds after `from`. */
export function secondsAfter(from: number, starts: readonly { tick?: number }[]): number[] {
  return starts.map(({ tick }) => (tick! - from) / 1_000);
}
