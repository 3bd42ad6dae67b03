import { taskError } from '../common/errors.js';
import type { HandlerTable } from '../execution/handler-table.js';
import { payloadSchemaOf, validatePayload } from '../execution/payload-schema.js';
import type { TaskDefinition } from '../task/task-definition.js';

/**
 * Refuses at once what the handler would refuse later. Only a node that has the handler knows its schema; the check before
 * each run is what counts.
 */
export class PayloadChecks {
  constructor(private readonly handlers: HandlerTable) {}

  /** @throws DistributedScheduleError `INVALID_TASK` naming everything that does not fit, by its path */
  async require(
    task: string,
    definition: Pick<TaskDefinition, 'handler' | 'source'> & { payload?: unknown },
  ): Promise<void> {
    const schema = payloadSchemaOf(this.handlers.find(definition)?.handler);
    const validated = schema && (await validatePayload(schema, definition.payload));
    if (!validated || !('problems' in validated)) return;
    const lines = validated.problems.map((problem) => `\n  - ${problem}`).join('');
    const message = `The payload does not fit what handler "${definition.handler}" of task "${task}" takes:${lines}`;
    throw taskError('INVALID_TASK', task, message);
  }
}
