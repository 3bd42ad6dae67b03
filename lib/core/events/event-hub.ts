import { filter, Observable, Subject } from 'rxjs';
import type { Clock } from '../common/clock.js';
import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import { isThenable } from '../common/thenable.js';
import type { EventName, SchedulerEvent, SchedulerEvents } from './scheduler-events.js';

/** Where events come together. A listener that throws is logged and goes no further: events never steer. */
export class EventHub {
  private readonly subject = new Subject<SchedulerEvent>();
  private listeners = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {}

  emit<K extends EventName>(type: K, data: SchedulerEvents[K]): void {
    if (this.listeners > 0) this.subject.next({ type, at: this.clock.now(), data } as SchedulerEvent);
  }

  /** All events whose type begins with `prefix`, until the scheduler stops. What a subscriber throws is RxJS's to report. */
  stream(prefix = ''): Observable<SchedulerEvent> {
    return new Observable<SchedulerEvent>((subscriber) => {
      this.listeners++;
      const inner = this.subject.pipe(filter((event) => event.type.startsWith(prefix))).subscribe(subscriber);
      return () => {
        this.listeners--;
        inner.unsubscribe();
      };
    });
  }

  /** Calls `listener` with each event; what it throws or rejects with is logged. */
  listen(listener: (event: SchedulerEvent) => unknown): { dispose(): void } {
    const failed = (error: unknown): void =>
      this.logger.error('An event listener failed; the run it tells of is not affected', {
        reason: errorMessage(error),
      });
    const subscription = this.stream().subscribe((event) => {
      try {
        const outcome = listener(event);
        if (isThenable(outcome)) outcome.then(undefined, failed); // most tell nothing, and there are many events
      } catch (error) {
        failed(error);
      }
    });
    return { dispose: () => subscription.unsubscribe() };
  }

  complete(): void {
    this.subject.complete();
  }
}
