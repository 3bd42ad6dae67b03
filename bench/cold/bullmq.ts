import { load } from '../common/peer.js';
import { epochNow, type Start } from './started.js';

interface Bull {
  Worker: new (
    queue: string,
    process: (job: { id: string }) => Promise<void>,
    options: { connection: object },
  ) => { waitUntilReady(): Promise<unknown>; close(): Promise<void> };
}

/** A worker; it keeps no schedules itself. A job's id ends with the instant that it was planned for. */
export const bullmq: Start = async ({ host, port }, ticked) => {
  const { Worker } = await load<Bull>('bullmq');
  const worker = new Worker(
    'bench',
    async ({ id }) => ticked({ plannedAt: Number(id.slice(id.lastIndexOf(':') + 1)), startedAt: epochNow() }),
    { connection: { host, port } },
  );
  await worker.waitUntilReady();
  return { readyAt: epochNow(), leave: () => worker.close() };
};
