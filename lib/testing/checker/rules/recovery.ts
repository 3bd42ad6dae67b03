import { decodeNode, type NodeRecord } from '../../../core/cluster/node-record.js';
import { keys } from '../../../core/registry/keyspace.js';
import type { Blocker, RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** A run is settled or taken over by another process only when its session has been dead since it stands there as it does. */
export function recovery(world: World): Rule {
  /** Runs that, as they stand, could have been found dead. */
  const everDead = new Set<string>();
  /** Those that could be now, and since when without a break. */
  const deadSince = new Map<string, number>();
  /** A registry that was restored does not tell who had it; who has started it does. */
  const holderOf = ({ id }: RunEntry): string | undefined =>
    world.grants.get(id)?.process ?? world.calls.ofRun(id).at(-1)?.start.process;
  const look = (run: RunEntry, node: NodeRecord | undefined, at: number): void => {
    const dead = !node || node.boot !== run.boot || (node.session !== run.session && node.status === 'working');
    if (!dead) deadSince.delete(form(run));
    else if (!deadSince.has(form(run))) deadSince.set(form(run), at);
    if (dead || run.session === 'released') everDead.add(form(run));
  };
  return {
    name: 'recovery',
    entry(entry) {
      if (entry.type !== 'write' || !entry.key.startsWith(keys.nodes)) return;
      const id = entry.key.slice(keys.nodes.length);
      const node = entry.value === undefined ? undefined : decodeNode(entry.value);
      for (const { runs } of world.units.values())
        for (const run of runs) if (run.node === id) look(run, node, entry.at);
    },
    *unit({ key, before, after, entry }) {
      for (const run of after?.runs ?? []) look(run, world.nodes.get(run.node)?.record, entry.at);
      if (!before || !after) return;
      const blocker = judgedNow(before, after);
      const inTheWay = before.runs.find(({ id }) => id === blocker?.runId);
      const dead = inTheWay && deadSince.get(form(inTheWay));
      if (
        dead !== undefined &&
        dead < entry.at - world.options.writeDelayMs &&
        holderOf(inTheWay!) !== entry.process &&
        !world.suffers(entry.process, 'freeze', 2_000)
      )
        yield `a tick of ${key} was skipped for run ${inTheWay!.id}, whose session had been dead for ${entry.at - dead} ms`;
      for (const run of before.runs) {
        const now = after.runs.find(({ id }) => id === run.id);
        if (now && now.attempt === run.attempt && now.boot === run.boot) continue;
        const holder = world.grants.get(run.id)?.process;
        if (holder === undefined || holder === entry.process || everDead.has(form(run))) continue;
        const what = now ? `taken over by` : `settled by`;
        yield `run ${run.id} of ${key} was ${what} ${entry.process}, and the session of ${holder} had never been dead`;
      }
    },
  };
}

const form = ({ id, attempt, boot, session }: RunEntry): string => `${id} ${attempt} ${boot} ${session}`;

/** The run that a tick has just been found to stand behind: skipped for it, or queued, for what is dropped later had its turn then. */
function judgedNow(before: UnitState, after: UnitState): Blocker | undefined {
  const { tail, queued } = after;
  if (queued && queued.tick !== before.queued?.tick) return queued.blocker;
  const isSkip = tail?.reason === 'overlap' && tail.to !== before.tail?.to && tail.to !== before.queued?.tick;
  return isSkip ? tail.blocker : undefined;
}
