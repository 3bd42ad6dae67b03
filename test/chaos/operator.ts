import { setTimeout as pass } from 'node:timers/promises';
import { keys } from '../../lib/core/registry/keyspace.js';
import { decodeTask, type TaskState } from '../../lib/core/task/task-definition.js';
import { DistributedScheduleError, RegistryUnavailableError, type SchedulerService } from '../../lib/index.js';
import type { AnswerEntry } from '../../lib/testing/checker/log.js';
import { pick, seededRandom } from '../../lib/testing/seeded-random.js';
import type { ChaosCluster } from './cluster.js';
import { changedNames } from './tasks.js';

type Change = (service: SchedulerService, task: string) => Promise<unknown>;

const CHANGES = {
  addTask: (service, name) => service.addTask({ name, handler: 'work', schedule: { cron: '* * * * * *' } }),
  putTask: (service, name) => service.putTask({ name, handler: 'work', schedule: { every: 700 } }),
  updateSchedule: (service, name) => service.updateSchedule(name, { cron: '*/2 * * * * *' }),
  pauseTask: (service, name) => service.pauseTask(name),
  cancelTask: (service, name) => service.cancelTask(name),
  resumeTask: (service, name) => service.resumeTask(name),
  deleteTask: (service, name) => service.deleteTask(name),
  restoreTask: (service, name) => service.restoreTask(name),
  purgeTask: (service, name) => service.purgeTask(name),
} as const satisfies Record<string, Change>;
type ChangeName = keyof typeof CHANGES;

/** What may sensibly be asked for, by the state of the task. */
const SENSIBLE: Partial<Record<TaskState | 'absent', ChangeName[]>> = {
  absent: ['addTask', 'putTask'],
  active: ['pauseTask', 'cancelTask', 'deleteTask', 'purgeTask', 'updateSchedule', 'putTask'],
  paused: ['resumeTask', 'deleteTask'],
  cancelled: ['resumeTask'],
  deleted: ['restoreTask', 'putTask', 'purgeTask'],
};

/** Somebody who changes tasks of his own all the while. What he asks for and what he is answered goes into the log. */
export class Operator {
  private readonly names: string[];
  private asked = 0;

  constructor(
    private readonly cluster: ChaosCluster,
    tasks: number,
  ) {
    this.names = changedNames(tasks);
  }

  async run(seed: number, everyMs: number, signal: AbortSignal): Promise<void> {
    const random = seededRandom(seed);
    while (!signal.aborted) {
      const name = pick(random, this.names);
      await this.change(name, pick(random, SENSIBLE[await this.stateOf(name)] ?? ['purgeTask']));
      await pass(random() * 2 * everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Leaves nothing behind, since the books of a task that was paused and resumed do not show what was meant to run. */
  async cleanUp(): Promise<void> {
    for (const name of this.names) await this.change(name, 'purgeTask');
  }

  private async change(task: string, what: ChangeName): Promise<void> {
    const { recorder, service } = this.cluster;
    const id = ++this.asked;
    recorder.tell({ type: 'ask', id, process: 'operator', what, task });
    const how = await CHANGES[what](service, task).then(
      () => 'done' as const,
      (error: unknown) => verdictOf(error),
    );
    // What the change has made of the task comes before the answer: the checker holds later starts against it.
    await this.tellDocument(task).catch(() => undefined);
    recorder.tell({ type: 'answer', id, how });
  }

  private async tellDocument(task: string): Promise<void> {
    const key = keys.task(task);
    const document = (await this.cluster.documents(key)).find((entry) => entry.key === key);
    const { value, token = 0n } = document ?? {};
    this.cluster.recorder.tell({ type: 'write', key, token: String(token), ...(value !== undefined && { value }) });
  }

  private async stateOf(task: string): Promise<TaskState | 'absent'> {
    const known = await this.cluster.documents(keys.task(task)).catch(() => []);
    const document = known.find(({ key }) => key === keys.task(task));
    return (document && decodeTask(document.value)?.state) ?? 'absent';
  }
}

/** Refused for a reason that will stay, or nobody knows. */
function verdictOf(error: unknown): AnswerEntry['how'] {
  const isRefusal = error instanceof DistributedScheduleError && !(error instanceof RegistryUnavailableError);
  return isRefusal && !error.retryable ? 'refused' : 'unknown';
}
