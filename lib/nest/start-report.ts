import { withTimeout } from '../core/common/clock.js';
import { tellDuration } from '../core/common/duration.js';
import { keys } from '../core/registry/keyspace.js';
import type { RegistryInfo } from '../core/registry/registry.js';
import type { Scheduler } from '../core/scheduler/scheduler.js';
import type { SchedulerService } from '../core/service/scheduler-service.js';

/** The start must not wait for a registry that is slow to describe itself. */
const PATIENCE_MS = 2_000;

/** One line in the log when the node works for the first time, and one for each thing the registry warns of. */
export async function reportStart(scheduler: Scheduler, service: SchedulerService): Promise<void> {
  const { context, options } = scheduler;
  const { clock, logger, timeZone } = options;
  const tasks = taskText(service, context.clock.now());
  const sent = clock.monotonic();
  const [info, latencyMs] = await Promise.all([
    withTimeout(clock, context.registry.describe(), PATIENCE_MS).catch(() => undefined),
    context.registry.get(keys.cluster).then(
      () => clock.monotonic() - sent,
      () => undefined,
    ),
  ]);
  const described = typeof info === 'object' ? info : { kind: context.registry.kind, warnings: [] };
  const registry = registryText(described, latencyMs);
  logger.log(`Scheduler working: node ${service.nodeId}, registry ${registry}, ${tasks}, zone ${timeZone}`);
  for (const warning of described.warnings) logger.warn(`Registry ${described.kind}: ${warning}`);
}

function registryText({ kind, version, topology }: RegistryInfo, latencyMs: number | undefined): string {
  if (kind === 'memory') return 'memory (single process; set the option registry for more)';
  const facts = [version, topology, latencyMs === undefined ? undefined : `${latencyMs.toFixed(1)} ms`];
  return `${kind} (${facts.filter(Boolean).join(', ')})`;
}

function taskText(service: SchedulerService, now: number): string {
  const tasks = service.listTasks();
  const halted = tasks.filter(({ state }) => state === 'paused' || state === 'cancelled').length;
  const [first] = tasks.filter(({ nextTick }) => nextTick).sort((a, b) => Number(a.nextTick) - Number(b.nextTick));
  const count = `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}${halted > 0 ? ` (${halted} disabled)` : ''}`;
  const wait = first ? Math.max(0, Number(first.nextTick) - now) : 0;
  return first ? `${count}, next "${first.name}" in ${tellDuration(wait)}` : count;
}
