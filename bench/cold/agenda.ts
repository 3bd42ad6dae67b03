import { openAgenda } from '../register/agenda.js';
import { epochNow, secondBegun, TICKING, type Start } from './started.js';

/** It looks for jobs every second instead of every five, as one would who has some that are due each second. */
export const agenda: Start = async (address, ticked) => {
  const { agenda } = await openAgenda(address, { processEvery: '1 second' });
  const run = async (): Promise<void> => {
    const startedAt = epochNow();
    ticked({ plannedAt: secondBegun(startedAt), startedAt });
  };
  agenda.define('send', async () => {});
  agenda.define(TICKING, run);
  await agenda.start();
  return { readyAt: epochNow(), leave: async () => process.exit() }; // its stop() does not come back while jobs are due
};
