import { describe, expect, it } from '@jest/globals';
import type { CallStep } from '../../lib/testing/cluster/link.js';
import { probedCluster } from '../support/probe.js';

/** Enough calls to reach from before the claim of one tick to after the record of its run. */
const STEPS = 14;

/**
 * Two nodes and a task; at the `nth` registry call of the owner after `from` seconds something happens to it. Whatever
 * it is, each tick starts at most once, and the ticks go on.
 */
async function disturb(
  nth: number,
  step: CallStep,
  fate: 'lost' | 'crash',
  recovery: 'none' | 'rerun',
): Promise<boolean> {
  const probe = await probedCluster({ nodes: 2 });
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { cron: '*/35 * * * * *' }, recovery }));
  const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length === 1)!;
  const tick = owner.service.nextTicks('a', 2)[1]!.getTime();
  await cluster.advance(tick - 150 - cluster.clock.now());
  const base = owner.host.calls;
  let happened = false;
  owner.host.fate = (call, at) => {
    if (call !== base + nth || at !== step) return 'passes';
    happened = true;
    return fate;
  };
  await cluster.advance('3500ms');
  owner.host.fate = undefined;
  if (fate === 'crash' && happened) cluster.nodes.splice(cluster.nodes.indexOf(owner), 1);
  await cluster.advance('117s');
  const what = `${fate} at the ${step} of call ${nth} (${recovery})`;
  const starts = probe.of('a').map((start) => `${start.tick} attempt ${recovery === 'rerun' ? start.attempt : 1}`);
  expect({ what, twice: starts.filter((start, index) => starts.indexOf(start) !== index) }).toEqual({
    what,
    twice: [],
  });
  const ticks = new Set(probe.of('a').map((start) => start.tick));
  const settled = await cluster.during(cluster.node(0).service.listRuns({ task: 'a' }));
  const accounted = settled.flatMap((record) => (record.kind === 'run' ? [record.tick] : [record.from, record.to]));
  expect({ what, accounted: ticks.has(tick) || accounted.includes(tick) }).toEqual({ what, accounted: true });
  if (recovery === 'rerun') expect({ what, ran: ticks.has(tick) }).toEqual({ what, ran: true });
  expect({ what, later: [...ticks].filter((later) => later! > tick + 60_000).length > 0 }).toEqual({
    what,
    later: true,
  });
  await cluster.stop();
  return happened;
}

describe('At every step of a claim', () => {
  it.each([
    ['the request is lost', 'request', 'lost'],
    ['the reply is lost', 'reply', 'lost'],
    ['the process dies before the call', 'request', 'crash'],
    ['the process dies after the call', 'reply', 'crash'],
  ] as const)('%s', async (_what, step, fate) => {
    let disturbed = 0;
    for (let nth = 1; nth <= STEPS; nth++) {
      if (await disturb(nth, step, fate, 'none')) disturbed++;
      if (await disturb(nth, step, fate, 'rerun')) disturbed++;
    }
    expect(disturbed).toBeGreaterThanOrEqual(8);
  });
});
