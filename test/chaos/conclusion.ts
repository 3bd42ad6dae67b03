import type { RunRecord } from '../../lib/core/common/run.js';
import { keys } from '../../lib/core/registry/keyspace.js';
import type { Entry } from '../../lib/core/registry/registry.js';
import type { Violation } from '../../lib/testing/checker/checker.js';
import { within, type ChaosCluster } from './cluster.js';
import { counts } from './figures.js';
import { accountsOf, describeAccounts, discrepancies, type UnitAccount } from './ledger.js';

const SETTLED_WITHIN_MS = 60_000;

export interface Conclusion {
  violations: Violation[];
  /** Units whose books do not add up. */
  discrepancies: string[];
  /** Processes that ended by themselves, or not as SIGTERM ends them. */
  crashes: string[];
  accounts: UnitAccount[];
  /** What all of it amounts to, for people. */
  lines: string[];
}

/** Resolves when each of these tasks has started on a tick that fell due after this call: the cluster goes on. */
export async function goesOn(cluster: ChaosCluster, tasks: Iterable<string>, withinMs: number): Promise<void> {
  const waiting = new Set(tasks);
  const since = Date.now();
  if (waiting.size === 0) return;
  const last = cluster.recorder.next(
    'every task goes on',
    (entry) => {
      if (entry.type === 'start' && entry.tick !== undefined && entry.tick > since) waiting.delete(entry.task);
      return waiting.size === 0;
    },
    withinMs,
  );
  await last.catch((error: unknown) => {
    throw new Error(`not started again within ${withinMs} ms: ${[...waiting].slice(0, 20).join(', ')}`, {
      cause: error,
    });
  });
}

/**
 * All faults are over: waits until every active task goes on, lets the nodes leave as they should, and holds the log and
 * the registry's books against what was promised.
 */
export async function conclude(cluster: ChaosCluster): Promise<Conclusion> {
  const active = cluster.service.listTasks({ state: 'active' }).map(({ name }) => name);
  await goesOn(cluster, active, SETTLED_WITHIN_MS);
  const now = Date.now();
  await cluster.tellDocuments(keys.nodes, keys.tasks);
  const { crashes } = cluster;
  await Promise.all(
    [...cluster.nodes.values()].map(async (node) => {
      const how = await cluster.stopNode(node);
      if (how !== 'SIGTERM') crashes.push(`${node.name} ended with ${how} after SIGTERM: ${node.log.join('')}`);
    }),
  );
  await within(10_000, 'the log is read to its end', cluster.recorder.caughtUp());
  await cluster.tellDocuments(keys.units);
  cluster.checker.finish({ now });
  const accounts = accountsOf(await cluster.documents(keys.tasks, keys.units));
  const { violations } = cluster.checker;
  const lost = lostRuns(await cluster.documents(keys.history('').slice(0, -1)));
  return {
    violations,
    discrepancies: discrepancies(accounts),
    crashes,
    accounts,
    lines: [...cluster.figures.describe(), ...describeAccounts(accounts), ...lost, `violations ${violations.length}`],
  };
}

/** Why runs were lost, as far as history still tells. */
function lostRuns(documents: readonly Entry[]): string[] {
  const reasons = new Map<string, number>();
  for (const { value } of documents) {
    const { kind, outcome, error } = JSON.parse(value) as Partial<RunRecord>;
    if (kind !== 'run' || outcome !== 'lost') continue;
    const reason = error?.message.replace(/^node \S+/, 'its node') ?? 'unknown';
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons.size > 0 ? [`of the last runs these were lost: ${counts(reasons)}`] : [];
}
