import { load, versionOf } from '../common/peer.js';
import type { Contestant } from './contestant.js';

interface Boss {
  start(): Promise<unknown>;
  stop(options: { graceful: boolean }): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): void;
  createQueue(name: string): Promise<void>;
  schedule(queue: string, cron: string, data: object, options: { tz: string; key: string }): Promise<void>;
  unschedule(queue: string, key: string): Promise<void>;
  getSchedules(): Promise<unknown[]>;
}

/** One queue, and a schedule with a key of its own for each task. */
export const pgBoss: Contestant = {
  name: `pg-boss ${versionOf('pg-boss')}, PostgreSQL`,
  ours: false,
  server: 'postgres',
  async open({ host, port }) {
    const { PgBoss } = await load<{ PgBoss: new (url: string) => Boss }>('pg-boss');
    const boss = new PgBoss(`postgres://postgres@${host}:${port}/postgres`);
    boss.on('error', (error) => console.error(error));
    await boss.start();
    await boss.createQueue('send');
    const keyOf = (name: string): string => name.replace(':', '.'); // it takes no colon
    return {
      add: ({ name, cron, timeZone, payload }) =>
        boss.schedule('send', cron, payload, { tz: timeZone, key: keyOf(name) }),
      list: async () => (await boss.getSchedules()).length,
      change: ({ name, changedCron, timeZone, payload }) =>
        boss.schedule('send', changedCron, payload, { tz: timeZone, key: keyOf(name) }),
      remove: ({ name }) => boss.unschedule('send', keyOf(name)),
      close: () => boss.stop({ graceful: false }),
    };
  },
};
