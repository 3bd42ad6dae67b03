import { Controller, Get, Injectable, Module, type ModuleMetadata, type OnModuleDestroy } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DistributedScheduleModule, DistributedTimeout, SchedulerService } from 'nestjs-distributed-schedule';
import { event, LogBook } from './application.js';
import { listen } from './platform.js';

let log: string[] = [];
let release = (): void => undefined;
afterEach(() => {
  log = [];
});

/** As recipes for Prisma, ioredis and Mongo have it. */
@Injectable()
class Database implements OnModuleDestroy {
  private isOpen = true;

  onModuleDestroy() {
    this.isOpen = false;
    log.push('database closed');
  }

  query() {
    log.push(this.isOpen ? 'query' : 'query on a closed database');
  }
}
@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

@Controller()
class Site {
  @Get()
  page() {
    return 'up';
  }
}

@Injectable()
class Work {
  constructor(private readonly database: Database) {}

  @DistributedTimeout(1)
  async work() {
    await new Promise<void>((resolve) => (release = resolve));
    this.database.query();
  }
}
@Module({ imports: [DatabaseModule], providers: [Work] })
class WorkModule {}
@Module({ imports: [WorkModule] })
class DeeperModule {}

const schedule = DistributedScheduleModule.forRoot();
const second = DistributedScheduleModule.forRoot({ name: 'second' });

describe('what a run uses is closed after its end', () => {
  it.each<[string, ModuleMetadata]>([
    ['in the root module', { imports: [schedule], providers: [Database, Work] }],
    ['in a module imported before', { imports: [DatabaseModule, schedule], providers: [Work] }],
    ['in a module imported after', { imports: [schedule, DatabaseModule], providers: [Work] }],
    ['in a global module', { imports: [schedule, { module: DatabaseModule, global: true }], providers: [Work] }],
    ['next to the work', { imports: [schedule, WorkModule] }],
    ['deeper', { imports: [schedule, DeeperModule, DatabaseModule] }],
    ['beside a second scheduler', { imports: [second, schedule, WorkModule] }],
  ])('%s', async (_, metadata) => {
    @Module({ ...metadata, controllers: [Site] })
    class App {}
    const app = await listen(App, new LogBook());
    const service = app.get(SchedulerService);
    while (service.health().running === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const ended = event({ service }, 'run.succeeded');
    const closing = app.close();
    while (service.state !== 'leaving') await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50)); // time enough to close it
    const answer = await fetch(await app.getUrl());
    log.push(await answer.text());
    release();
    await ended;
    await closing;
    expect(log).toEqual(['up', 'query', 'database closed']);
  });
});
