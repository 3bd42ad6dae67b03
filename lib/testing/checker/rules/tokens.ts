import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** The fencing token of a run is that of the version which granted it: no two runs share one, a later grant has a higher. */
export function tokens(world: World): Rule {
  const owner = new Map<string, string>();
  const last = new Map<string, { process: string; token: bigint }>();
  return {
    name: 'tokens',
    *start({ unit, runId, process, token }) {
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
