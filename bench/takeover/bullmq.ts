import { inBatches } from '../common/in-batches.js';
import { load } from '../common/peer.js';
import type { Contestant, Member, Place } from './contestant.js';

interface Job {
  readonly id: string;
  readonly name: string;
}

interface BullMq {
  Queue: new (
    name: string,
    options: object,
  ) => {
    upsertJobScheduler(id: string, repeat: { pattern: string; tz: string }, template: object): Promise<unknown>;
    close(): Promise<void>;
  };
  Worker: new (
    name: string,
    work: (job: Job) => Promise<void>,
    options: object,
  ) => {
    on(event: 'error', listener: (error: Error) => void): unknown;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
}

const LOCK_MS = 30_000;
const STALLED_INTERVAL_MS = 30_000;

/**
 * Job schedulers, with a worker in each process: stalled jobs are looked for as it is by default, and jobs that have
 * ended are removed, as its guide for production asks for.
 */
export const bullmq: Contestant = {
  label: 'BullMQ',
  store: 'redis',
  backWithinMs: LOCK_MS + STALLED_INTERVAL_MS + 5_000,
  join,
};

async function join({ address: { host, port }, namespace, run }: Place): Promise<Member> {
  const { Queue, Worker } = await load<BullMq>('bullmq');
  const connection = { host, port, maxRetriesPerRequest: null };
  const queue = new Queue(namespace, {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: 1_000 },
  });
  const worker = new Worker(namespace, ({ id, name }) => run(name, plannedFor(id)), {
    connection,
    concurrency: 500,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_INTERVAL_MS,
  });
  worker.on('error', (error) => console.error(error));
  await worker.waitUntilReady();
  return {
    async declare(tasks, shared) {
      if (!shared) return;
      await inBatches(tasks, ({ name, cron }) =>
        queue.upsertJobScheduler(name, { pattern: cron, tz: 'UTC' }, { name }),
      );
    },
    owned: () => undefined,
    async leave() {
      await worker.close();
      await queue.close();
    },
  };
}

/** The jobs of a scheduler are called `repeat:<scheduler>:<planned instant>`. */
function plannedFor(id: string): number {
  const instant = Number(id.slice(id.lastIndexOf(':') + 1));
  if (!Number.isInteger(instant)) throw new Error(`"${id}" names no instant`);
  return instant;
}
