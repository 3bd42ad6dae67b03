import { load, versionOf } from '../../common/peer.js';
import type { Contestant } from '../contestant.js';
import { cronOf } from '../pace.js';

interface Parser {
  parseCronExpression: (expression: string) => object;
}

interface Timers {
  TimerBasedCronScheduler: {
    setInterval(cron: object, task: () => void): object;
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
    return {
      async addTasks() {
        for (let task = 0; task < tasks; task++) {
          TimerBasedCronScheduler.setInterval(parseCronExpression(cronOf(task, pace)), () => onStart(task));
        }
      },
    };
  },
};
