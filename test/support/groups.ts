import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { decodeGroup, type GroupState } from '../../lib/core/scheduler/group-state.js';
import type { ProbedCluster } from './probe.js';

/** How a group stands in the registry, as `holders: []` where nothing does. */
export function groupOf({ cluster }: ProbedCluster, name = 'mail'): GroupState {
  return decodeGroup(cluster.store.get(`test/groups/${name}`)?.value);
}

/** A handler's work: so long, unless it is aborted. */
export function forMs({ cluster }: ProbedCluster, ms: number, { signal }: TaskRun): Promise<void> {
  return new Promise((end) => {
    cluster.clock.setTimer(ms, end);
    signal.addEventListener('abort', () => end());
  });
}
