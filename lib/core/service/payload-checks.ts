import { DistributedScheduleError, errorMessage, taskError } from '../common/errors.js';
import type { HandlerTable } from '../execution/handler-table.js';
import { type PayloadSchema, payloadSchemaOf, validatePayload } from '../execution/payload-schema.js';
import type { TaskDefinition } from '../task/task-definition.js';

/**
 * Refuses at once what the handler would refuse later. Only a node that has the handler knows its schema; the check before
 * each run is what counts.
 */
export class PayloadChecks {
  constructor(private readonly handlers: HandlerTable) {}

  /** @throws DistributedScheduleError `INVALID_TASK` naming everything that does not fit, by its path; or that the schema failed itself */
  async require(
    task: string,
    definition: Pick<TaskDefinition, 'handler' | 'source'> & { payload?: unknown },
  ): Promise<void> {
    const schema = payloadSchemaOf(this.handlers.find(definition)?.handler);
    const answer = schema && (await validated(schema, task, definition));
    if (!answer || !('problems' in answer)) return;
    const lines = answer.problems.map((problem) => `\n  - ${problem}`).join('');
    const message = `The payload does not fit what handler "${definition.handler}" of task "${task}" takes:${lines}`;
    throw taskError('INVALID_TASK', task, message);
  }
}

/** What the schema says; a schema that throws says nothing about the payload. */
async function validated(
  schema: PayloadSchema,
  task: string,
  { handler, payload }: Pick<TaskDefinition, 'handler'> & { payload?: unknown },
): ReturnType<typeof validatePayload> {
  try {
    return await validatePayload(schema, payload);
  } catch (cause) {
    const message = `The payload schema of handler "${handler}" failed itself on the payload of task "${task}": ${errorMessage(cause)}`;
    throw new DistributedScheduleError('INVALID_TASK', message, { task, cause });
  }
}
