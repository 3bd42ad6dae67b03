import { withTimeout } from '../core/common/clock.js';
import { tellDuration } from '../core/common/duration.js';
import { keys } from '../core/registry/keyspace.js';
import type { RegistryInfo } from '../core/registry/registry.js';
import type { Scheduler } from '../core/scheduler/scheduler.js';
import { isLive } from '../core/task/task-definition.js';

/** The start must not wait for a registry that is slow to describe itself. */
const PATIENCE_MS = 2_000;

/** One line in the log when the node works for the first time, and one for each thing the registry warns of. */
export async function reportStart(scheduler: Scheduler): Promise<void> {
  const { context, options } = scheduler;
  const { clock, logger, timeZone } = options;
  const tasks = taskText(scheduler);
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
  logger.log(`Scheduler working: node ${context.node.id}, registry ${registry}, ${tasks}, zone ${timeZone}`);
  for (const warning of described.warnings) logger.warn(`Registry ${described.kind}: ${warning}`);
}

function registryText({ kind, version, topology }: RegistryInfo, latencyMs: number | undefined): string {
  if (kind === 'memory') return 'memory (single process; set the option registry for more)';
  const facts = [version, topology, latencyMs === undefined ? undefined : `${latencyMs.toFixed(1)} ms`];
  return `${kind} (${facts.filter(Boolean).join(', ')})`;
}

/** Looks at the schedules themselves: views of a hundred thousand tasks would put each of them into words. */
function taskText({ context: { catalog, clock } }: Scheduler): string {
  const now = clock.now();
  const tasks = [...catalog.values()].filter(({ doc }) => isLive(doc));
  const halted = tasks.filter(({ doc: { state } }) => state === 'paused' || state === 'cancelled').length;
  let first: { name: string; tick: number } | undefined;
  for (const { name, doc, schedule } of tasks) {
    const tick = doc.state === 'active' ? schedule.next(Math.max(now, doc.since)) : undefined;
    if (tick !== undefined && tick < (first?.tick ?? Infinity)) first = { name, tick };
  }
  const count = `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}${halted > 0 ? ` (${halted} disabled)` : ''}`;
  return first ? `${count}, next "${first.name}" in ${tellDuration(Math.max(0, first.tick - now))}` : count;
}
