import type { ModuleMetadata } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import type { DistributedScheduleOptions, SchedulerService } from '../../lib/index.js';
import { EmitterListeners, Listeners, subscribe } from './listeners.js';
import { startTracer } from './tracer.js';

/** One way to look at what the scheduler does. To measure another one, metrics or clients of a stream, add it below. */
export interface Kind {
  readonly title: string;
  readonly options?: DistributedScheduleOptions;
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly providers?: NonNullable<ModuleMetadata['providers']>;
  /** Before the application is there. */
  prepare?(): void;
  /** When it works. */
  begin?(scheduler: SchedulerService): void;
}

const emitter: Kind = {
  title: 'events at the EventEmitter, two listeners',
  options: { eventEmitter: true },
  imports: [EventEmitterModule.forRoot()],
  providers: [EmitterListeners],
};

const listeners: Kind = {
  title: 'four decorated listeners, two subscribers of streams',
  providers: [Listeners],
  begin: subscribe,
};

const traces: Kind = {
  title: 'a span per run, recorded by the SDK',
  options: { tracing: true },
  prepare: startTracer,
};

/** As little history as can be, and nobody looks. */
export const OFF: Kind = { title: 'all off', options: { history: { keepRuns: 1 } } };

const DEFAULT_HISTORY = { history: { keepRuns: 20 } };

/** Each beside a process with all off. The first row is all off as well: what it shows is the noise. */
export const KINDS: Readonly<Record<string, Kind>> = {
  nothing: { ...OFF, title: 'nothing (the noise)' },
  history: { title: 'history as by default: 20 records per task', options: DEFAULT_HISTORY },
  'long-history': { title: 'history of 1,000 records per task', options: { history: { keepRuns: 1_000 } } },
  listeners: { ...listeners, options: OFF.options! },
  emitter: { ...emitter, options: { ...OFF.options, ...emitter.options } },
  'bare-traces': { title: 'tracing, no SDK started', options: { ...OFF.options, tracing: true } },
  traces: { ...traces, options: { ...OFF.options, ...traces.options } },
  everything: all('everything', [listeners, emitter, traces], DEFAULT_HISTORY),
};

function all(title: string, kinds: readonly Kind[], options: DistributedScheduleOptions): Kind {
  return {
    title,
    options: Object.assign({}, options, ...kinds.map((kind) => kind.options)) as DistributedScheduleOptions,
    imports: kinds.flatMap((kind) => kind.imports ?? []),
    providers: kinds.flatMap((kind) => kind.providers ?? []),
    prepare: () => kinds.forEach((kind) => kind.prepare?.()),
    begin: (scheduler) => kinds.forEach((kind) => kind.begin?.(scheduler)),
  };
}
