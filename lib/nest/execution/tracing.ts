import type { TaskMiddleware } from '../../core/execution/middleware.js';
import { traceAttempts } from '../../telemetry/opentelemetry/trace-attempts.js';
import type { DistributedScheduleOptions } from '../distributed-schedule.options.js';
import { loadPeer } from './load-peer.js';

/** The middlewares that trace: one, where the option wants it. */
export const TRACING = Symbol('TRACING');

/** @throws DistributedScheduleError `MISSING_PEER` */
export async function loadTracing({ tracing }: DistributedScheduleOptions): Promise<TaskMiddleware[]> {
  if (tracing !== true) return [];
  return [traceAttempts(await loadPeer('tracing', '@opentelemetry/api', () => import('@opentelemetry/api')))];
}
