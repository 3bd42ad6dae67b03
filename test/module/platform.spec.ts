import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { DistributedScheduleModule, DistributedTimeout, SchedulerService } from 'nestjs-distributed-schedule';
import { event, LogBook } from './application.js';
import { listen, nestMajor, platform } from './platform.js';

describe(`Nest ${nestMajor} on ${platform}`, () => {
  it('is what this runs on, in every part', async () => {
    const require = createRequire(import.meta.url);
    for (const part of ['common', 'core', 'testing', 'terminus', `platform-${platform}`]) {
      const [folder] = /^.*[/\\]@nestjs[/\\][\w-]+/.exec(require.resolve(`@nestjs/${part}`))!;
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
      expect([part, Number(version.split('.')[0])]).toEqual([part, nestMajor]);
    }
    @Module({})
    class App {}
    const app = await listen(App, new LogBook());
    expect(app.getHttpAdapter().getType()).toBe(platform);
    await app.close();
  });

  it('answers over HTTP until the last run has ended, and no longer', async () => {
    let finish = (): void => undefined;
    @Injectable()
    class Work {
      @DistributedTimeout(1, { name: 'long' })
      work() {
        return new Promise<void>((resolve) => (finish = resolve));
      }
    }
    @Controller()
    class StateController {
      constructor(private readonly service: SchedulerService) {}

      @Get('state')
      get() {
        return { state: this.service.state, running: this.service.listRunning().length };
      }
    }
    @Module({
      imports: [DistributedScheduleModule.forRoot({ autoStart: false })],
      providers: [Work],
      controllers: [StateController],
    })
    class App {}
    const app = await listen(App, new LogBook());
    const url = await app.getUrl();
    const service = app.get(SchedulerService);
    const state = async (): Promise<unknown> =>
      (await fetch(`${url}/state`, { headers: { connection: 'close' } })).json();

    const started = event({ service }, 'run.started');
    await service.start();
    await started;
    const ended = event({ service }, 'run.succeeded');
    const closing = app.close();
    for (let asked = 0; asked < 5; asked++) expect(await state()).toEqual({ state: 'leaving', running: 1 });
    finish();
    await Promise.all([ended, closing]);
    expect(service.state).toBe('stopped');
    await expect(state()).rejects.toThrow('fetch failed');
  });
});
