import { Redis } from 'ioredis';
import { versionOf } from '../../common/peer.js';
import { wallClock } from '../clock.js';
import type { Contestant } from '../contestant.js';
import { latestDue } from '../pace.js';
import { nestCronJobs } from './nest-cron-jobs.js';

/** Longer than any process may be behind another; it is never released, for that would let the tick run again. */
const LOCK_MS = 10_000;

/** What is put around `@Cron` where several replicas run: every process fires every tick, and who sets the key runs it. */
export const lockPerTick: Contestant = {
  name: '@nestjs/schedule, a lock per tick',
  version: versionOf('@nestjs/schedule'),
  store: 'redis',
  shares: false,
  settings: `SET NX PX ${LOCK_MS} under a key of the task and its instant, never released`,
  async join(load, onStart) {
    const redis = new Redis(load.address);
    const run = async (task: number): Promise<void> => {
      const tick = latestDue(task, load.pace, wallClock());
      if ((await redis.set(`lock:${task}:${tick}`, '1', 'PX', LOCK_MS, 'NX')) === 'OK') onStart(task, tick);
    };
    return nestCronJobs(load, (task) => void run(task));
  },
};
