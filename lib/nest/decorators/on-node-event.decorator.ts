import { EVENT_NAMES, isTaskEvent, type NodeEventName } from '../../core/events/event-names.js';
import type { EventOf } from '../../core/events/scheduler-events.js';
import type { ListenerDecorator } from './on-task-event.decorator.js';
import { markMethod, type SchedulerChoice } from './task-metadata.js';

/**
 * Calls the method when this node notices that nodes come, change and go, that its own session begins or is lost, or that
 * the registry has lost its data. Best effort; what the method throws is logged and goes no further.
 *
 * @param type one type, or several. @default all of them
 * @example
 * ```ts
 * @OnNodeEvent('node.left')
 * left({ data }: EventOf<'node.left'>) {
 *   this.logger.warn(`${data.nodeId} is gone`);
 * }
 * ```
 */
export function OnNodeEvent<K extends NodeEventName = NodeEventName>(
  type?: K | readonly K[],
  options: SchedulerChoice = {},
): ListenerDecorator<EventOf<K>> {
  const allowed = EVENT_NAMES.filter((name) => !isTaskEvent(name));
  const types = type === undefined ? allowed : ([type].flat() as K[]);
  return markMethod('@OnNodeEvent', { kind: 'listener', types, allowed, filter: options }) as ListenerDecorator<
    EventOf<K>
  >;
}
