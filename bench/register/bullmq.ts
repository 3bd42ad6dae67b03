import { load, versionOf } from '../common/peer.js';
import type { Contestant } from './contestant.js';

interface Bull {
  Queue: new (name: string, options: { connection: object }) => BullQueue;
}

export interface BullQueue {
  waitUntilReady(): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { pattern: string; tz: string },
    template: { name: string; data?: object },
  ): Promise<unknown>;
  getJobSchedulers(start: number, end: number): Promise<unknown[]>;
  removeJobScheduler(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Its job schedulers, without a worker beside them. */
export const bullmq: Contestant = {
  name: `BullMQ ${versionOf('bullmq')}, Redis`,
  ours: false,
  server: 'redis',
  async open(connection) {
    const { Queue } = await load<Bull>('bullmq');
    const queue = new Queue('bench', { connection });
    await queue.waitUntilReady();
    return {
      add: ({ name, cron, timeZone, payload }) =>
        queue.upsertJobScheduler(name, { pattern: cron, tz: timeZone }, { name: 'send', data: payload }),
      list: async () => (await queue.getJobSchedulers(0, -1)).length,
      change: ({ name, changedCron, timeZone, payload }) =>
        queue.upsertJobScheduler(name, { pattern: changedCron, tz: timeZone }, { name: 'send', data: payload }),
      remove: ({ name }) => queue.removeJobScheduler(name),
      close: () => queue.close(),
    };
  },
};
