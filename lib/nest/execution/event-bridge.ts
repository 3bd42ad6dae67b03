import { Inject, Injectable, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { DistributedScheduleError } from '../../core/common/errors.js';
import { Scheduler } from '../../core/scheduler/scheduler.js';
import type { DistributedScheduleOptions } from '../distributed-schedule.options.js';
import { loadPeer } from './load-peer.js';
import { firstOf } from './visible-provider.js';

/** The class `EventEmitter2`, where the option wants it. */
export const EVENT_EMITTER = Symbol('EVENT_EMITTER');

interface Emitter {
  emit(name: string, event: unknown): unknown;
}

/** Before the names of our events. */
const PREFIX = 'schedule.';

/** @throws DistributedScheduleError `MISSING_PEER` */
export async function loadEventEmitter({ eventEmitter }: DistributedScheduleOptions): Promise<Type | undefined> {
  if (eventEmitter !== true) return undefined;
  const loaded = await loadPeer('eventEmitter', '@nestjs/event-emitter', () => import('@nestjs/event-emitter'));
  return loaded.EventEmitter2 as unknown as Type;
}

/** Hands every event to the emitter of the application, if it wants that. */
@Injectable()
export class EventBridge {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly scheduler: Scheduler,
    @Inject(EVENT_EMITTER) private readonly type: Type | undefined,
  ) {}

  /** @throws DistributedScheduleError `INVALID_OPTIONS` where the application has no emitter */
  connect(): void {
    const { type } = this;
    if (!type) return;
    const wrapper = firstOf(this.modules.values(), ({ providers }) => providers.get(type));
    if (!wrapper) {
      const message =
        'eventEmitter: the application has no EventEmitter2; add EventEmitterModule.forRoot() of @nestjs/event-emitter to the imports of its root module';
      throw new DistributedScheduleError('INVALID_OPTIONS', message);
    }
    const emitter = wrapper.instance as Emitter;
    this.scheduler.context.events.listen((event) => void emitter.emit(`${PREFIX}${event.type}`, event));
  }
}
