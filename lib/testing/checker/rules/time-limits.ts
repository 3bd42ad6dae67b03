import type { Call } from '../calls.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** So much later than it should a node that is not frozen may tell. */
const LATE_MS = 500;
/** What befell a node longer ago than this has no consequences any more. */
const OVER_MS = 5_000;
/** A clock that was stepped misleads its node for a while. */
const MISLED_MS = 60_000;

/**
 * An attempt is told to end when it has taken longer than its timeout, and when its run has. In quiet none is told to end
 * for nothing: it has taken too long, somebody has cancelled it, another run is to replace it, or its node leaves.
 */
export function timeLimits(world: World): Rule {
  return {
    name: 'time-limits',
    *entry(entry) {
      if (entry.type !== 'end' && entry.type !== 'abort') return;
      const { runId, process, at } = entry;
      const call = world.calls.meantBy(entry);
      if (!call || call.aborted || call.disowned) return;
      const { earliest, latest } = limitsOf(call);
      yield* tooLong(call, latest, at);
      if (entry.type === 'abort' && at < earliest && isSpared(call))
        yield `run ${runId} of "${entry.task}" was told to end on ${process} ${at - call.start.at} ms after its start, and nobody had a reason to`;
    },
    *finish({ now }) {
      for (const key of world.units.keys()) {
        const unit = key.slice(key.indexOf('/') + 1, key.lastIndexOf('@'));
        for (const call of world.calls.goingOn(unit))
          if (!call.aborted && !call.disowned) yield* tooLong(call, limitsOf(call).latest, now);
      }
    },
  };

  function* tooLong(
    { start: { runId, process, task, at: begun } }: Call,
    latest: number,
    at: number,
  ): Iterable<string> {
    if (world.suffers(undefined, 'server-clock', at - begun)) return; // the log goes by it
    if (
      at <= latest + LATE_MS + world.options.clockErrorMs ||
      world.suffers(process, 'kill') ||
      world.suffers(process, 'freeze', at - begun)
    )
      return;
    yield `run ${runId} of "${task}" was to be told to end on ${process} at ${latest}, and was not for ${at - latest} ms`;
  }

  /** When the policies end the call, by any version of the task that its node may have known. */
  function limitsOf({ start }: Call): { earliest: number; latest: number } {
    const { runId, process, task, at } = start;
    const { task: token = '0' } = world.origins.get(runId) ?? {};
    const versions = world.versionsFrom(task, token);
    const run = world.units.get(world.grants.get(runId)?.unitKey ?? '')?.runs.find(({ id }) => id === runId);
    const begunAt = run?.retry?.begunAt ?? run?.claimedAt ?? at;
    const isMisled = world.suffers(process, 'clock', MISLED_MS) || world.suffers(undefined, 'server-clock', MISLED_MS);
    const { clockErrorMs } = world.options;
    const limits = versions.map(({ policies: { timeoutMs = Infinity, totalTimeoutMs = Infinity } }) => {
      const total = begunAt + totalTimeoutMs;
      const [soonest, last] = isMisled ? [at, at + totalTimeoutMs] : [total - clockErrorMs, total + clockErrorMs];
      return {
        earliest: Math.min(at + timeoutMs, totalTimeoutMs === Infinity ? Infinity : soonest),
        latest: Math.min(at + timeoutMs, last),
      };
    });
    if (limits.length === 0) return { earliest: -Infinity, latest: Infinity };
    return {
      earliest: Math.min(...limits.map(({ earliest }) => earliest)),
      latest: Math.max(at, ...limits.map(({ latest }) => latest)), // its time may be over before it starts
    };
  }

  /** Nothing but its own time could end it. */
  function isSpared({ start: { runId, process, task, at } }: Call): boolean {
    const node = world.nodes.get(process.split('~', 1)[0]!);
    const state = world.tasks.get(task)?.doc.state;
    if (!world.isQuiet(OVER_MS) || node?.record.status !== 'working' || node.since > world.now - OVER_MS) return false;
    if (state !== 'active' && state !== 'completed') return false;
    const grant = world.grants.get(runId);
    const isHeld = world.units.get(grant?.unitKey ?? '')?.runs.some(({ id }) => id === runId);
    if (!isHeld || grant?.process !== process) return false; // another node has settled it
    return !world.told.isCancelled(runId) && !world.isReplaceable(task, runId, at);
  }
}
