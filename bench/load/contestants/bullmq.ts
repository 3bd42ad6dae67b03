import { load, versionOf } from '../../common/peer.js';
import { addInParallel, type Contestant } from '../contestant.js';
import { cronOf } from '../pace.js';

interface Job {
  readonly data: { task: number };
  readonly opts: { prevMillis: number };
}

interface BullMQ {
  Queue: new (
    name: string,
    options: object,
  ) => {
    upsertJobScheduler(id: string, repeat: { pattern: string }, template: object): Promise<unknown>;
  };
  Worker: new (
    name: string,
    run: (job: Job) => Promise<void>,
    options: object,
  ) => { waitUntilReady(): Promise<unknown> };
}

const QUEUE = 'bench';
/** Of one process; its guide suggests 100 to 300 for work that waits. */
const CONCURRENCY = 200;

export const bullmq: Contestant = {
  name: 'BullMQ job schedulers',
  version: versionOf('bullmq'),
  store: 'redis',
  shares: true,
  settings: `concurrency ${CONCURRENCY}, finished jobs are removed`,
  async join({ tasks, pace, address }, onStart) {
    const { Queue, Worker } = await load<BullMQ>('bullmq');
    const connection = { ...address, maxRetriesPerRequest: null };
    const queue = new Queue(QUEUE, { connection });
    const worker = new Worker(QUEUE, async ({ data, opts }) => onStart(data.task, opts.prevMillis), {
      connection,
      concurrency: CONCURRENCY,
    });
    await worker.waitUntilReady();
    return {
      addTasks: () =>
        addInParallel(tasks, (task) =>
          queue.upsertJobScheduler(
            `task-${task}`,
            { pattern: cronOf(task, pace) },
            { name: 'run', data: { task }, opts: { removeOnComplete: true, removeOnFail: true } },
          ),
        ),
    };
  },
};
