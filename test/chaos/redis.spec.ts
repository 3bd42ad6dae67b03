import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, type DistributedScheduleOptions } from '../../lib/index.js';
import { startRedis } from '../support/servers/redis.js';
import type { RunningServer } from '../support/servers/server.js';
import { quantiles } from './figures.js';
import { readLedger, sum, type UnitAccount } from './ledger.js';
import { RealCluster } from './real-cluster.js';
import type { StartNote } from './recorder.js';

/** Waits for real time to pass: ticks come no faster. */
const seconds = (count: number): Promise<void> => new Promise((done) => setTimeout(done, count * 1_000));

describe('Real processes on a real Redis', () => {
  let redis: RunningServer;
  let cluster: RealCluster;
  let observer: INestApplicationContext;
  let scheduler: SchedulerService;
  let namespace: string;

  beforeEach(async () => {
    redis = await startRedis({ killable: true, durability: 'everysec' });
    namespace = 'chaos';
    const options: DistributedScheduleOptions = {
      namespace,
      registry: { type: 'redis', url: redis.url },
      concurrency: 1_000,
      startup: 'wait',
    };
    cluster = await RealCluster.create(options);
    @Module({
      imports: [DistributedScheduleModule.forRoot({ ...options, node: { id: 'observer', role: 'observer' } })],
    })
    class ObserverModule {}
    observer = await NestFactory.createApplicationContext(ObserverModule, { logger: ['error'] });
    scheduler = observer.get(SchedulerService);
  });

  afterEach(async () => {
    await observer.close();
    await cluster.stop();
    await redis.stop();
  });

  async function addTasks(count: number, cron: string, prefix: string, payload?: object): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
    await Promise.all(
      names.map((name) =>
        scheduler.addTask({
          name,
          handler: 'work',
          schedule: { cron },
          misfireDeadline: '2m',
          ...(payload && { payload }),
        }),
      ),
    );
  }

  /** Every tick at most one start; every tick up to now settled, with a run or a reason. @returns the books */
  async function expectSound(withinMs: number): Promise<UnitAccount[]> {
    const seen = new Map<string, StartNote>();
    for (const start of cluster.recorder.starts) {
      const key = `${start.task}@${start.tick}`;
      if (seen.has(key)) throw new Error(`${key} started twice: ${JSON.stringify([seen.get(key), start])}`);
      seen.set(key, start);
    }
    const accounts = await readLedger(redis.url, namespace, Date.now());
    for (const account of accounts) {
      expect({ ...account, unexplained: account.planned - account.claimed - sum(account.skipped) }).toMatchObject({
        unexplained: 0,
      });
      expect(account.behindMs).toBeLessThan(withinMs);
    }
    return accounts;
  }

  it('200 tasks a second: kill -9, a freeze of 15 s; each tick starts once at most and is accounted for', async () => {
    await cluster.start('a', 'b', 'c');
    await addTasks(200, '* * * * * *', 'second');
    await addTasks(30, '*/30 * * * * *', 'half-minute');
    await seconds(29 - (Date.now() % 30_000) / 1_000 + (Date.now() % 30_000 > 24_000 ? 30 : 0)); // a second before a half-minute tick
    cluster.kill('b', 'SIGKILL');
    const killed = Date.now();
    await seconds(16);
    cluster.kill('c', 'SIGSTOP');
    const frozen = Date.now();
    await seconds(15);
    cluster.kill('c', 'SIGCONT');
    await seconds(14);

    const accounts = await expectSound(2_500);
    const { starts } = cluster.recorder;
    const late = (from: number, to: number, prefix: string): number[] =>
      starts
        .filter(({ task, tick, at }) => task.startsWith(prefix) && tick! >= from && tick! < to && at)
        .map(({ tick, at }) => at - tick!);
    const takeover = late(killed, killed + 2_000, 'half-minute').filter((ms) => ms > 1_000);
    const resumed = new Set(
      starts.filter(({ at, node }) => node !== 'b' && at > killed + 1_000).map(({ task }) => task),
    );
    const claimed = accounts.reduce((total, account) => total + account.claimed, 0);
    const skipped = accounts.reduce((total, account) => total + sum(account.skipped), 0);
    const lost = accounts.reduce((total, account) => total + (account.ended['lost'] ?? 0), 0);
    console.log(
      [
        `ticks claimed ${claimed}, started ${starts.length}, settled without a run ${skipped}, lost ${lost}`,
        `lateness in quiet ${quantiles(late(killed - 10_000, killed, 'second'))}`,
        `standby after kill -9 (30 s tasks) ${quantiles(takeover)}`,
        `after the freeze ${quantiles(late(frozen + 27_000, Date.now(), 'second'))}`,
      ].join('\n'),
    );
    expect(resumed.size).toBe(230);
    expect(takeover.length).toBeGreaterThan(0);
    expect(Math.max(...takeover)).toBeLessThan(3_000);
    expect(starts.length + lost).toBeGreaterThanOrEqual(claimed - 230);
  }, 180_000);

  it('a Redis that is killed and comes back with its data stops nobody for long', async () => {
    await cluster.start('a', 'b');
    await addTasks(50, '* * * * * *', 'second');
    await seconds(5);
    await redis.kill();
    await seconds(12); // longer than a session lives
    await redis.restart({ keepData: true });
    const back = Date.now();
    await cluster.recorder.next((note) => note.type === 'start' && note.at > back, 20_000);
    await seconds(8);
    const accounts = await expectSound(2_500);
    expect(accounts).toHaveLength(50);
    expect(accounts.every(({ skipped }) => sum(skipped) > 0)).toBe(true);
  }, 120_000);

  it('SIGTERM: a run ends before its process does, and the rest goes on at once elsewhere', async () => {
    await cluster.start('a', 'b');
    await addTasks(20, '* * * * * *', 'second', { ms: 700 });
    await seconds(5);
    const asked = Date.now();
    expect(await cluster.leave('a')).toBe('SIGTERM');
    expect(Date.now() - asked).toBeLessThan(3_000);
    await seconds(5);
    const accounts = await expectSound(2_500);
    expect(accounts.every(({ ended }) => (ended['lost'] ?? 0) === 0)).toBe(true);
    const gap = cluster.recorder.starts.filter(({ tick }) => tick! > asked - 1_000 && tick! < asked + 4_000);
    expect(gap.length).toBeGreaterThanOrEqual(20 * 4);
    expect(Math.max(...gap.map(({ at, tick }) => at - tick!))).toBeLessThan(1_500);
  }, 120_000);
});
