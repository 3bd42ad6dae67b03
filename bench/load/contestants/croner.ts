import { load, versionOf } from '../../common/peer.js';
import type { Contestant } from '../contestant.js';
import { cronOf } from '../pace.js';

interface Croner {
  Cron: new (expression: string, run: () => void) => object;
}

export const croner: Contestant = {
  name: 'croner',
  version: versionOf('croner'),
  shares: false,
  async join({ tasks, pace }, onStart) {
    const { Cron } = await load<Croner>('croner');
    return {
      async addTasks() {
        for (let task = 0; task < tasks; task++) new Cron(cronOf(task, pace), () => onStart(task));
      },
    };
  },
};
