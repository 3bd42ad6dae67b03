import { Heap } from '../../../lib/core/common/heap.js';
import { wallClock } from '../clock.js';
import type { Contestant } from '../contestant.js';
import { periodMsOf, phaseMsOf } from '../pace.js';

/** The limit: a heap of instants, one timer for the first of them, and a call. No registry, no cron, no other process. */
export const plainTimer: Contestant = {
  name: 'bare heap and one timer',
  version: '',
  shares: false,
  async join({ tasks, pace }, onStart) {
    const heap = new Heap<{ task: number; at: number }>((a, b) => a.at < b.at);
    const period = periodMsOf(pace);
    const arm = () => setTimeout(run, Math.max(1, Math.ceil(heap.peek()!.at - wallClock())));
    const run = (): void => {
      const ran = [];
      const now = wallClock();
      while (heap.size > 0 && heap.peek()!.at <= now) {
        const due = heap.pop()!;
        onStart(due.task, due.at);
        ran.push(due);
      }
      for (const due of ran) {
        due.at += period;
        heap.push(due);
      }
      arm();
    };
    return {
      async addTasks() {
        const now = Date.now();
        for (let task = 0; task < tasks; task++) {
          const phase = phaseMsOf(task, pace);
          heap.push({ task, at: (Math.floor((now - phase) / period) + 1) * period + phase });
        }
        arm();
      },
    };
  },
};
