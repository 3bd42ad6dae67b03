import { load, versionOf } from '../../common/peer.js';
import type { Contestant } from '../contestant.js';
import { cronOf } from '../pace.js';

interface Croner {
  Cron: new (expression: string, run: () => void) => { stop(): void };
}

export const croner: Contestant = {
  name: 'croner',
  version: versionOf('croner'),
  shares: false,
  async join({ tasks, pace }, onStart) {
    const { Cron } = await load<Croner>('croner');
    let jobs: { stop(): void }[] = [];
    return {
      async addTasks() {
        jobs = Array.from({ length: tasks }, (_, task) => new Cron(cronOf(task, pace), () => onStart(task)));
      },
      async leave() {
        for (const job of jobs) job.stop();
      },
    };
  },
};
