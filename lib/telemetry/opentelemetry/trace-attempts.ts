import type { Attributes, Span } from '@opentelemetry/api';
import { errorMessage } from '../../core/common/errors.js';
import type { TaskMiddleware } from '../../core/execution/middleware.js';
import type { TaskRun } from '../../core/execution/task-run.js';

/** What is used of the package `@opentelemetry/api`, which whoever traces has loaded. */
export type OpenTelemetryApi = Pick<typeof import('@opentelemetry/api'), 'trace' | 'SpanKind' | 'SpanStatusCode'>;

const TRACER = 'nestjs-distributed-schedule';

/**
 * Makes a span of each attempt, active while the handler runs: what the handler calls becomes part of it. It is the root
 * of its trace; the attempts of one run have the same `schedule.run_id`.
 */
export function traceAttempts({ trace, SpanKind, SpanStatusCode }: OpenTelemetryApi): TaskMiddleware {
  const failed = (span: Span, error: unknown): void => {
    span.recordException(error instanceof Error ? error : errorMessage(error));
    span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
  };
  return (run, next) => {
    const options = { kind: SpanKind.INTERNAL, root: true, attributes: attributesOf(run) };
    return trace.getTracer(TRACER).startActiveSpan(`task ${run.task}`, options, async (span) => {
      try {
        return await next();
      } catch (error) {
        failed(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
  };
}

function attributesOf({ task, id, trigger, attempt, nodeId, tick }: TaskRun): Attributes {
  return {
    'schedule.task': task,
    'schedule.run_id': id,
    'schedule.trigger': trigger,
    'schedule.attempt': attempt,
    'schedule.node_id': nodeId,
    ...(tick && { 'schedule.tick': tick.toISOString() }),
  };
}
