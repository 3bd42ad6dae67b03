// Checked by the compiler (npm run lint): each `@ts-expect-error` is a failure where the line below it compiles.
import * as v from 'valibot';
import { z } from 'zod';
import {
  DistributedCron,
  DistributedInterval,
  DistributedScheduleModule,
  DistributedTimeout,
  fromConfig,
  fromProviders,
  TaskHandler,
  type PayloadOf,
  type TaskRun,
} from 'nestjs-distributed-schedule';

const Report = z.object({ tenant: z.string(), pages: z.coerce.number() });
const Name = v.pipe(v.string(), v.transform(Number));

export class Settings {
  readonly hour: number = 5;
}

export class Payloads {
  @TaskHandler('whole', { payload: Report })
  whole(_run: TaskRun<{ tenant: string; pages: number }>) {}

  @TaskHandler('inferred', { payload: Report })
  inferred({ payload }: TaskRun<PayloadOf<typeof Report>>) {
    return payload.pages.toFixed();
  }

  @TaskHandler('part', { payload: Report })
  part(_run: TaskRun<{ tenant: string }>) {}

  @TaskHandler('anything', { payload: Report })
  anything(_run: TaskRun) {}

  @TaskHandler('nothing', { payload: Report })
  async nothing() {}

  @TaskHandler('output', { payload: Name })
  output(_run: TaskRun<number>) {}

  @TaskHandler('free')
  free(_run: TaskRun<{ whatever: true }>) {}

  // @ts-expect-error the tenant is a text
  @TaskHandler('other', { payload: Report })
  other(_run: TaskRun<{ tenant: number }>) {}

  // @ts-expect-error the schema does not give more than it has
  @TaskHandler('more', { payload: Report })
  more(_run: TaskRun<{ tenant: string; pages: number; extra: string }>) {}

  // @ts-expect-error what is transformed comes out as a number
  @TaskHandler('input', { payload: Name })
  input(_run: TaskRun<string>) {}

  // @ts-expect-error a handler gets one argument
  @TaskHandler('two', { payload: Report })
  two(_run: TaskRun, _other: string) {}

  // @ts-expect-error this is not a schema
  @TaskHandler('none', { payload: { tenant: 'string' } })
  none() {}
}

export class References {
  @DistributedCron(fromConfig('cron'), {
    timeZone: fromConfig('zone', 'UTC'),
    overlap: fromConfig('overlap', 'allow'),
    retry: { attempts: fromProviders([Settings], ({ hour }) => hour), delay: '1s' },
    except: [fromConfig('closed'), { calendar: fromConfig('calendar') }],
    nodeSelector: { zone: fromConfig('zone') },
    tags: ['a', fromConfig('tag')],
  })
  @DistributedInterval(fromProviders([Settings, 'UNIT'], ({ hour }, _unit: string) => hour), {
    maxRuns: fromConfig('runs', 3),
  })
  @DistributedTimeout(fromProviders([], async () => new Date(5)), { retry: fromConfig('retry') })
  right() {}

  // @ts-expect-error an attempt is a number, also as a fallback
  @DistributedCron('* * * * *', { retry: { attempts: fromConfig('attempts', 'three') } })
  fallback() {}

  // @ts-expect-error there is no such policy
  @DistributedCron('* * * * *', { overlap: fromProviders([Settings], () => 'maybe' as const) })
  computed() {}

  // @ts-expect-error the provider has no such property
  @DistributedInterval(fromProviders([Settings], ({ minute }) => minute as number))
  injected() {}

  // @ts-expect-error there is no such option
  @DistributedCron('* * * * *', { overlp: 'skip' })
  misspelt() {}
}

DistributedScheduleModule.forFeature({ defaults: { timeout: fromConfig('timeout'), retry: { attempts: 3 } } });
// @ts-expect-error descriptions belong to tasks
DistributedScheduleModule.forFeature({ defaults: { description: 'all alike' } });
