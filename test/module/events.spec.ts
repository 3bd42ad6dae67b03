import { Injectable, Scope } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { describe, expect, it } from '@jest/globals';
import {
  DistributedTimeout,
  InjectTaskRun,
  OnNodeEvent,
  OnTaskEvent,
  TaskHandler,
  type EventOf,
  type SchedulerEvent,
} from 'nestjs-distributed-schedule';
import { EVENT_NAMES, isTaskEvent } from '../../lib/core/events/event-names.js';
import { compile, event, initAndHear, refusal, start, type TestApp } from './application.js';

@Injectable()
class Jobs {
  @TaskHandler('fine')
  fine() {
    return 'done';
  }

  @TaskHandler('bad')
  bad() {
    throw new Error('broken');
  }
}

/** Runs a task once and waits for its end. */
async function run(app: TestApp, name: string, handler: 'fine' | 'bad', tags?: string[]): Promise<void> {
  const ended = event(app, handler === 'fine' ? 'run.succeeded' : 'run.failed', name);
  await app.service.addTask({ name, handler, schedule: 'now', ...(tags && { tags }) });
  await ended;
}

const about = ({ type, data }: SchedulerEvent): unknown[] => [type, 'task' in data ? data.task : undefined];

describe('@OnTaskEvent', () => {
  it('hears the types it names, of the tasks that fit', async () => {
    const heard: Record<string, unknown[]> = { ends: [], byName: [], byPattern: [], byTag: [], both: [] };

    @Injectable()
    class Listeners {
      @OnTaskEvent(['run.succeeded', 'run.failed'])
      ends(happened: EventOf<'run.succeeded' | 'run.failed'>) {
        heard.ends!.push([...about(happened), happened.data.outcome]);
      }

      @OnTaskEvent('run.started', { task: 'b.one' })
      byName(happened: EventOf<'run.started'>) {
        heard.byName!.push(about(happened));
      }

      @OnTaskEvent('run.started', { task: /^b\./g })
      byPattern(happened: EventOf<'run.started'>) {
        heard.byPattern!.push(about(happened));
      }

      @OnTaskEvent('run.started', { tag: 'money' })
      byTag(happened: EventOf<'run.started'>) {
        heard.byTag!.push(about(happened));
      }

      @OnTaskEvent('run.started', { tag: 'money', task: /two$/ })
      both(happened: EventOf<'run.started'>) {
        heard.both!.push(about(happened));
      }
    }

    await using app = await start({ providers: [Jobs, Listeners] });
    await run(app, 'a.one', 'fine', ['money']);
    await run(app, 'b.one', 'bad');
    await run(app, 'b.two', 'fine', ['money', 'new']);
    expect(heard).toEqual({
      ends: [
        ['run.succeeded', 'a.one', 'succeeded'],
        ['run.failed', 'b.one', 'failed'],
        ['run.succeeded', 'b.two', 'succeeded'],
      ],
      byName: [['run.started', 'b.one']],
      byPattern: [
        ['run.started', 'b.one'],
        ['run.started', 'b.two'],
      ],
      byTag: [
        ['run.started', 'a.one'],
        ['run.started', 'b.two'],
      ],
      both: [['run.started', 'b.two']],
    });
  });

  it('may be several on one method', async () => {
    const heard: unknown[] = [];

    @Injectable()
    class Listeners {
      @OnTaskEvent('run.started', { task: 'one' })
      @OnTaskEvent('run.failed')
      either(happened: SchedulerEvent) {
        heard.push(about(happened));
      }
    }

    await using app = await start({ providers: [Jobs, Listeners] });
    await run(app, 'one', 'fine');
    await run(app, 'two', 'bad');
    expect(heard).toEqual([
      ['run.started', 'one'],
      ['run.failed', 'two'],
    ]);
  });

  it('logs what a listener throws, naming it; the run and the other listeners are not affected', async () => {
    let calls = 0;

    @Injectable()
    class Listeners {
      @OnTaskEvent('run.started')
      broken() {
        throw new Error('no mail server');
      }

      @OnTaskEvent('run.started')
      async alsoBroken() {
        throw new Error('no pager');
      }

      @OnTaskEvent('run.started')
      sound() {
        calls++;
      }
    }

    await using app = await start({ providers: [Jobs, Listeners] });
    await run(app, 'one', 'fine');
    expect(app.logs.own('error')).toEqual([
      'Listeners.broken (@OnTaskEvent) failed itself: no mail server',
      'Listeners.alsoBroken (@OnTaskEvent) failed itself: no pager',
    ]);
    expect(calls).toBe(1);
  });

  it('on a request-scoped provider gets an instance for each event, which is REQUEST there', async () => {
    const heard: unknown[] = [];

    @Injectable({ scope: Scope.REQUEST })
    class Listeners {
      private calls = 0;
      constructor(@InjectTaskRun() private readonly request: SchedulerEvent) {}

      @OnTaskEvent(['run.started', 'run.succeeded'])
      hear(happened: SchedulerEvent) {
        heard.push([happened.type, this.request === happened, ++this.calls]);
        if (heard.length === 2) all();
      }
    }

    let all!: () => void;
    const complete = new Promise<void>((resolve) => (all = resolve));
    await using app = await start({ providers: [Jobs, Listeners] });
    await run(app, 'one', 'fine');
    await complete;
    expect(heard).toEqual([
      ['run.started', true, 1],
      ['run.succeeded', true, 1],
    ]);
  });

  it('with what it cannot hear keeps the application from starting', async () => {
    @Injectable()
    class Listeners {
      @OnTaskEvent('run.faild' as never)
      typo() {}

      @OnTaskEvent('node.left' as never)
      wrongKind() {}

      @OnTaskEvent([])
      nothing() {}

      @OnTaskEvent('run.failed', { tags: ['money'], task: 7 } as never)
      filter() {}

      @OnNodeEvent('run.failed' as never)
      node() {}
    }

    await using app = await compile({ providers: [Listeners] }, {});
    const { message } = await refusal(app.module.init());
    for (const line of [
      'Listeners.typo (@OnTaskEvent): "run.faild" is no event of this decorator; did you mean run.failed?',
      'Listeners.wrongKind (@OnTaskEvent): "node.left" is no event of this decorator; there are task.added, ',
      'Listeners.nothing (@OnTaskEvent): there is no type of event; give one',
      'Listeners.filter (@OnTaskEvent): filter.tags: unknown; did you mean tag?',
      'Listeners.filter (@OnTaskEvent): filter.task: 7 is neither a name nor a pattern',
      'Listeners.node (@OnNodeEvent): "run.failed" is no event of this decorator; there are node.joined, ',
    ])
      expect(message).toContain(line);
  });

  it('takes methods that fit its types only', () => {
    class Typed {
      @OnTaskEvent('run.failed')
      fits({ data }: EventOf<'run.failed'>) {
        return data.error;
      }

      // @ts-expect-error -- a run that failed is no change of a task
      @OnTaskEvent('run.failed')
      fitsNot({ data }: EventOf<'task.added'>) {
        return data.state;
      }
    }
    expect(Typed).toBeDefined();
  });
});

describe('@OnNodeEvent', () => {
  it('hears what happens to nodes, sessions and the registry, or the types it names', async () => {
    const heard: unknown[] = [];

    @Injectable()
    class Listeners {
      @OnNodeEvent()
      all({ type }: SchedulerEvent) {
        heard.push(type);
      }

      @OnNodeEvent('session.working')
      working({ data }: EventOf<'session.working'>) {
        heard.push(data);
      }
    }

    await using app = await start({ providers: [Jobs, Listeners] }, { node: { id: 'me' } });
    await run(app, 'one', 'fine');
    expect(heard).toContain('node.joined');
    expect(heard).toContain('session.working');
    expect(heard).toContainEqual({ nodeId: 'me' });
    expect(heard.filter((one) => typeof one === 'string').filter((name) => isTaskEvent(name as never))).toEqual([]);
  });
});

describe('eventEmitter: true', () => {
  it('hands every event to the emitter of the application', async () => {
    const heard: unknown[] = [];

    @Injectable()
    class Listeners {
      @OnEvent('schedule.run.succeeded')
      done({ type, data }: EventOf<'run.succeeded'>) {
        heard.push([type, data.task, data.result]);
      }

      @OnEvent('schedule.run.*')
      each({ type }: SchedulerEvent) {
        heard.push(type);
      }
    }

    const imports = [EventEmitterModule.forRoot({ wildcard: true })];
    await using app = await start({ imports, providers: [Jobs, Listeners] }, { eventEmitter: true });
    await run(app, 'one', 'fine');
    expect(heard).toEqual(['run.started', ['run.succeeded', 'one', 'done'], 'run.succeeded']);
  });

  it('is off by default', async () => {
    await using app = await start({ imports: [EventEmitterModule.forRoot()], providers: [Jobs] });
    const heard: unknown[] = [];
    app.module.get(EventEmitter2).onAny((name) => void heard.push(name));
    await run(app, 'one', 'fine');
    expect(heard).toEqual([]);
  });

  it('without an emitter keeps the application from starting, with the cure', async () => {
    await using app = await compile({}, { eventEmitter: true });
    expect(await refusal(app.module.init())).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^eventEmitter: .*EventEmitterModule\.forRoot\(\)/),
    });
  });
});

describe('the list of events', () => {
  it('has two kinds', () => {
    expect(EVENT_NAMES.filter((name) => !isTaskEvent(name)).sort()).toEqual([
      ...['node.changed', 'node.joined', 'node.left', 'registry.amnesia', 'session.lost', 'session.working'],
    ]);
  });

  it('of a run that fails is told in order', async () => {
    const heard: unknown[] = [];

    @Injectable()
    class Failing {
      @DistributedTimeout(1, { name: 'job', retry: { attempts: 2, delay: 1, backoff: 'fixed' } })
      job() {
        throw new Error('broken');
      }

      @OnTaskEvent(['run.started', 'run.retrying', 'run.failed'])
      hear(happened: SchedulerEvent) {
        heard.push(happened.type);
      }
    }

    await using app = await compile({ providers: [Failing] }, {});
    await initAndHear(app, 'run.failed', 'job');
    expect(heard).toEqual(['run.started', 'run.retrying', 'run.failed']);
  });
});
