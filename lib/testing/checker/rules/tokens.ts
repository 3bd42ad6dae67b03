import type { Rule } from '../rule.js';
import { limitOf, type World } from '../world.js';

/**
 * The fencing token of a run is that of the version which granted it: no two runs share one, and what comes later has a
 * higher one.
 */
export function tokens(world: World): Rule {
  const owner = new Map<string, string>();
  const last = new Map<string, { process: string; token: bigint }>();
  const written = new Map<string, bigint>();
  const ended = new Map<string, bigint>();
  return {
    name: 'tokens',
    *unit({ key, entry, after }) {
      const before = written.get(key);
      if (after && before !== undefined && BigInt(entry.token) <= before)
        yield `${key} was written with token ${entry.token} after ${before}`;
      if (after) written.set(key, BigInt(entry.token));
    },
    entry(entry) {
      if (entry.type !== 'end') return;
      const call = world.calls.ofRun(entry.runId).at(-1);
      if (call) ended.set(call.start.unit, max(ended.get(call.start.unit), BigInt(call.start.token)));
    },
    *start({ unit, runId, process, token, task, attempt }) {
      const policies = world.tasks.get(task)?.policies;
      const earlier = policies && limitOf(policies) === 1 && attempt === 1 ? ended.get(unit) : undefined;
      if (
        earlier !== undefined &&
        BigInt(token) <= earlier &&
        !world.trustsInVain(process) &&
        !world.suffers(process, 'freeze', 1_000)
      )
        yield `run ${runId} of "${unit}" was started on ${process} with token ${token}, after one with ${earlier} had ended`;
      const holder = `${runId} on ${process}`;
      const first = owner.get(`${unit} ${token}`) ?? holder;
      if (first !== holder) yield `token ${token} of "${unit}" was given to run ${first} and to run ${holder}`;
      owner.set(`${unit} ${token}`, first);
      const before = last.get(runId);
      const late = world.trustsInVain(process); // it starts on a claim that another has taken over: the token tells
      if (before && before.process !== process && before.token >= BigInt(token) && !late)
        yield `run ${runId} of "${unit}" went from ${before.process} to ${process}, and its token from ${before.token} to ${token}`;
      last.set(runId, { process, token: BigInt(token) });
      const grant = world.grants.get(runId);
      if (grant && !world.stoodIn(grant.unitKey, token, runId))
        yield `token ${token} of run ${runId} is of no version of "${unit}" that holds the run`;
    },
  };
}

function max(a: bigint | undefined, b: bigint): bigint {
  return a !== undefined && a > b ? a : b;
}
