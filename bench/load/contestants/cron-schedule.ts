import { load, versionOf } from '../../common/peer.js';
import type { Contestant } from '../contestant.js';
import { cronOf } from '../pace.js';

interface Parser {
  parseCronExpression(expression: string): object;
}

interface Timers {
  TimerBasedCronScheduler: {
    setInterval(cron: object, task: () => void): object;
    clearTimeoutOrInterval(handle: object): void;
  };
}

export const cronSchedule: Contestant = {
  name: 'cron-schedule',
  version: versionOf('cron-schedule'),
  shares: false,
  settings: 'one timer for each task, as its TimerBasedCronScheduler makes them',
  async join({ tasks, pace }, onStart) {
    const { parseCronExpression } = await load<Parser>('cron-schedule');
    const { TimerBasedCronScheduler } = await load<Timers>('cron-schedule/schedulers/timer-based.js');
    let handles: object[] = [];
    return {
      async addTasks() {
        handles = Array.from({ length: tasks }, (_, task) =>
          TimerBasedCronScheduler.setInterval(parseCronExpression(cronOf(task, pace)), () => onStart(task)),
        );
      },
      async leave() {
        for (const handle of handles) TimerBasedCronScheduler.clearTimeoutOrInterval(handle);
      },
    };
  },
};
