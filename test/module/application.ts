import type { LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import { filter, firstValueFrom, merge, timeout } from 'rxjs';
import {
  DistributedScheduleModule,
  SchedulerService,
  type DistributedScheduleOptions,
  type EventName,
  type SchedulerEvent,
  type SchedulerEvents,
} from 'nestjs-distributed-schedule';

/** Keeps what was logged instead of printing it. */
export class LogBook implements LoggerService {
  readonly entries: { level: string; message: string; rest: unknown[] }[] = [];
  log = this.writer('log');
  warn = this.writer('warn');
  error = this.writer('error');
  debug = this.writer('debug');
  verbose = this.writer('verbose');
  fatal = this.writer('fatal');

  /** What this library logged on one level. */
  own(level: string): string[] {
    return this.entries
      .filter((entry) => entry.level === level && entry.rest.at(-1) === 'DistributedSchedule')
      .map(({ message }) => message);
  }

  private writer(level: string) {
    return (message: unknown, ...rest: unknown[]): void =>
      void this.entries.push({ level, message: String(message), rest });
  }
}

export interface TestApp extends AsyncDisposable {
  module: TestingModule;
  service: SchedulerService;
  logs: LogBook;
}

/** Changes what is tested before it is compiled, as by `overrideProvider`. */
export type Adapt = (builder: TestingModuleBuilder) => TestingModuleBuilder;

/** Compiles an application around the module, not initialised yet. */
export async function compile(
  metadata: ModuleMetadata,
  options?: DistributedScheduleOptions,
  adapt: Adapt = (as) => as,
): Promise<TestApp> {
  const logs = new LogBook();
  const imports = [...(options ? [DistributedScheduleModule.forRoot(options)] : []), ...(metadata.imports ?? [])];
  const builder = adapt(Test.createTestingModule({ ...metadata, imports }));
  const module = await builder.setLogger(logs).compile();
  return { module, logs, service: module.get(SchedulerService), [Symbol.asyncDispose]: () => close(module) };
}

/** The same, started; `'none'` where the metadata imports the module. What cannot start is closed. */
export async function start(
  metadata: ModuleMetadata,
  options: DistributedScheduleOptions | 'none' = {},
): Promise<TestApp> {
  const app = await compile(metadata, options === 'none' ? undefined : options);
  try {
    await app.module.init();
  } catch (error) {
    await app.module.close();
    throw error;
  }
  return app;
}

/** The first event of this type from now on, of any of these nodes, that is about `task`, if one is given. */
export async function event<K extends EventName>(
  apps: { service: SchedulerService } | { service: SchedulerService }[],
  type: K,
  task?: string,
): Promise<SchedulerEvents[K]> {
  const wanted = ({ type: is, data }: SchedulerEvent): boolean =>
    is === type && (task === undefined || ('task' in data && data.task === task));
  const events = merge(...[apps].flat().map(({ service }) => service.events$));
  const { data } = await firstValueFrom(events.pipe(filter(wanted), timeout(10_000)));
  return data as SchedulerEvents[K];
}

/** Starts a compiled application once somebody listens, so that no event is missed. */
export async function initAndHear<K extends EventName>(
  app: TestApp,
  type: K,
  task?: string,
): Promise<SchedulerEvents[K]> {
  const heard = event(app, type, task);
  await app.module.init();
  return heard;
}

const refusals = new WeakSet<object>();

/** Nest 11 closes nothing that failed to start: it says once more why. What that leaves open fails the spec file. */
async function close(module: TestingModule): Promise<void> {
  await module.close().catch((error: unknown) => {
    if (!refusals.has(error as object)) throw error;
  });
}

/** What the start of an application that must not start says. */
export async function refusal(work: Promise<unknown>): Promise<{ code?: string; message: string }> {
  try {
    await work;
  } catch (error) {
    refusals.add(error as object);
    return error as { code?: string; message: string };
  }
  throw new Error('It started, and should not have');
}
