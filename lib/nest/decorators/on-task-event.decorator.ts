import { EVENT_NAMES, isTaskEvent, type TaskEventName } from '../../core/events/event-names.js';
import type { EventOf } from '../../core/events/scheduler-events.js';
import { markMethod, type TaskEventFilter } from './task-metadata.js';

/** For methods that take such an event, or nothing. */
export type ListenerDecorator<E> = <M extends (event: E) => unknown>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Calls the method with each event of these types, of tasks that fit the filter. Task events tell what this node noticed;
 * run and tick events what this node did. Best effort: the record of a run is its history. What the method throws is
 * logged and goes no further.
 *
 * @example
 * ```ts
 * @OnTaskEvent(['run.failed', 'run.timed-out'], { tag: 'money' })
 * async page({ data }: EventOf<'run.failed' | 'run.timed-out'>) {
 *   await this.pager.send(`${data.task}: ${data.error?.message}`);
 * }
 * ```
 */
export function OnTaskEvent<K extends TaskEventName>(
  type: K | readonly K[],
  filter: TaskEventFilter = {},
): ListenerDecorator<EventOf<K>> {
  const types = [type].flat() as K[];
  const note = { kind: 'listener', types, allowed: EVENT_NAMES.filter(isTaskEvent), filter } as const;
  return markMethod('@OnTaskEvent', note) as ListenerDecorator<EventOf<K>>;
}
