import { isCandidate } from '../../lib/core/cluster/node-record.js';
import { decodeTask, isLive } from '../../lib/core/task/task-definition.js';
import { DEFAULT_POLICIES } from '../../lib/core/task/policies.js';
import type { Simulation } from './simulation.js';

/** In peace all nodes see the same, and each task has one owner, a capable one. */
export function judgeCalm(sim: Simulation): void {
  const nodes = sim.alive();
  for (const { process, service } of nodes) {
    if (service.state !== 'working') sim.complain('converged', `${process} is ${service.state} in peace`);
  }
  same('nodes', ({ service }) => service.listNodes().map(({ id, session, status }) => `${id} ${session} ${status}`));
  same('tasks', ({ service }) => service.listTasks().map(({ name, state }) => `${name} ${state}`));
  for (const { value, key } of sim.cluster.store.list('test/tasks/', {}).entries) {
    const doc = decodeTask(value)!;
    if (!isLive(doc)) continue;
    const name = key.slice('test/tasks/'.length);
    const owners = nodes.filter(({ service }) => service.listOwnTasks().some((task) => task.name === name));
    const policies = { ...DEFAULT_POLICIES, ...doc.definition.policies };
    const capable = nodes.filter(({ service, id }) => {
      const record = service.getNode(id);
      return record !== undefined && isCandidate(record, doc.definition, policies);
    });
    if (owners.length !== Math.min(1, capable.length))
      sim.complain('converged', `"${name}" is owned by ${owners.map(({ id }) => id).join(', ') || 'nobody'} in peace`);
    else if (owners.some((owner) => !capable.includes(owner)))
      sim.complain('converged', `"${name}" is owned by ${owners[0]!.id}, which cannot run it`);
  }

  function same(what: string, of: (node: (typeof nodes)[number]) => string[]): void {
    const seen = new Set(nodes.map((node) => of(node).join('; ')));
    if (seen.size > 1) sim.complain('converged', `nodes see different ${what} in peace: ${[...seen].join(' | ')}`);
  }
}

/** Nothing is left of a node that has stopped: no timer, no watch, no session. */
export function judgeLeftovers(sim: Simulation): void {
  for (const { process, killed, host, service } of sim.nodes) {
    if (killed) continue;
    if (service.state !== 'stopped') sim.complain('stopped', `${process} was told to stop and is ${service.state}`);
    if (host.timers + host.watches > 0)
      sim.complain('stopped', `${process} has stopped and left ${host.timers} timers and ${host.watches} watches open`);
  }
  const { sessions } = sim.cluster.store.clients;
  if (sessions > 0) sim.complain('stopped', `${sessions} sessions are left after all nodes are gone`);
}
