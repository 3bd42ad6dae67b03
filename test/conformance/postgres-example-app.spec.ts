import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DistributedCron, type TaskRun } from 'nestjs-distributed-schedule';
import { AppModule } from '../../docs/examples/app.module.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';
import { start, type TestApp } from '../module/application.js';
import { PostgresLab } from '../support/postgres-lab.js';

const ticks: number[] = [];

@Injectable()
class Jobs {
  @DistributedCron('* * * * * *', { name: 'tick' })
  tick(run: TaskRun) {
    ticks.push(run.tick!.getTime());
  }
}

describe('an application on the PostgreSQL registry of the documentation', () => {
  let lab: PostgresLab;
  beforeAll(async () => {
    lab = await PostgresLab.start({ killable: true, durability: 'always' });
    process.env['DATABASE_URL'] = lab.server.url;
  }, 180_000);
  afterAll(async () => {
    delete process.env['DATABASE_URL'];
    await lab?.stop();
  });

  it('runs each tick once on two nodes, and leaves nothing behind', async () => {
    const nodes = async (): Promise<number> =>
      (await lab.raw.query(`SELECT FROM nds.documents WHERE key LIKE 'shop/nodes/%'`)).rowCount!;
    const apps: TestApp[] = [];
    try {
      for (let i = 0; i < 2; i++) apps.push(await start({ imports: [AppModule], providers: [Jobs] }, 'none'));
      expect(await nodes()).toBe(2);
      await eventually('it has ticked', () => ticks.length >= 4);
    } finally {
      await Promise.all(apps.map(({ module }) => module.close()));
    }
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(await nodes()).toBe(0);
    expect((await lab.raw.query('SELECT FROM nds.sessions')).rowCount).toBe(0);
    expect(apps.flatMap(({ logs }) => [...logs.own('error'), ...logs.own('warn')])).toEqual([]);
  }, 30_000);
});
