import { Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import {
  DistributedInterval,
  MemoryRegistry,
  MemoryStore,
  type DistributedScheduleOptions,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { systemClock } from '../../lib/core/common/clock.js';
import { event, refusal, start, type TestApp } from './application.js';

const EVERY = '50ms';

describe('a deploy', () => {
  const ran: string[] = [];

  @Injectable()
  class Before {
    @DistributedInterval(EVERY, { name: 'old' })
    work({ task }: TaskRun) {
      ran.push(`before: ${task}`);
    }
  }

  @Injectable()
  class After {
    @DistributedInterval(EVERY, { name: 'new', aliases: ['old'] })
    work({ task }: TaskRun) {
      ran.push(`after: ${task}`);
    }
  }

  it('that renames a decorated task has it run under one name at a time, and keeps its history', async () => {
    const store = new MemoryStore(systemClock);
    const options = (id: string, weight: number): DistributedScheduleOptions => ({
      node: { id, weight },
      registry: new MemoryRegistry({ store }),
      cluster: { resyncInterval: 100 },
    });
    const before = await start({ providers: [Before] }, options('before', 0));
    await event(before, 'run.succeeded', 'old');
    await using after: TestApp = await start({ providers: [After] }, options('after', 1));
    await event(after, 'run.succeeded', 'old');
    const moved = event(after, 'run.succeeded', 'new');
    await before.module.close();
    await moved;
    expect(ran.filter((entry, index, all) => entry !== all[index - 1])).toEqual([
      'before: old',
      'after: old',
      'after: new',
    ]);
    expect(after.service.listTasks().map(({ name }) => name)).toEqual(['new']);
    const tasks = (await after.service.listRuns({ task: 'new' })).map(({ task }) => task);
    expect(new Set(tasks)).toEqual(new Set(['new', 'old']));
  });

  it('is refused where an alias is the name of another task, naming both methods', async () => {
    @Injectable()
    class Both {
      @DistributedInterval('1h', { name: 'one', aliases: ['two'] })
      first() {}
      @DistributedInterval('1h', { name: 'two', aliases: ['three four'] })
      second() {}
      @DistributedInterval('1h', { name: 'two' })
      third() {}
    }
    const { message } = await refusal(start({ providers: [Both] }));
    expect(message).toContain('Both.second (@DistributedInterval): aliases[0]: "three four" is no name');
    expect(message).toContain(
      'Two handlers or tasks are named "two": Both.first (@DistributedInterval) and Both.third (@DistributedInterval)',
    );
  });
});
