import { Injectable } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { OnNodeEvent, OnTaskError, OnTaskEvent, type SchedulerService } from '../../lib/index.js';

/** What was heard: nothing is done with it, and nothing of it may be left out as unused. */
let heard = 0;
export const hear = (): void => void heard++;
export const heardSoFar = (): number => heard;

/** As an application has them that counts runs and tells somebody of failures. */
@Injectable()
export class Listeners {
  @OnTaskEvent(['run.started', 'run.succeeded', 'run.failed', 'tick.skipped'])
  counted(): void {
    hear();
  }

  @OnTaskEvent(['run.failed', 'run.timed-out', 'run.lost'], { task: /^task-1/ })
  failed(): void {
    hear();
  }

  @OnTaskError()
  alert(): void {
    hear();
  }

  @OnNodeEvent()
  node(): void {
    hear();
  }
}

/** The same at the emitter of the application. */
@Injectable()
export class EmitterListeners {
  @OnEvent('schedule.run.succeeded')
  succeeded(): void {
    hear();
  }

  @OnEvent('schedule.run.failed')
  failed(): void {
    hear();
  }
}

/** All events, and those of runs alone, as a page that shows what happens takes them. */
export function subscribe({ events$, runEvents$ }: Pick<SchedulerService, 'events$' | 'runEvents$'>): void {
  events$.subscribe(hear);
  runEvents$.subscribe(hear);
}
