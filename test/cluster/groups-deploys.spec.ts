import { afterEach, describe, expect, it } from '@jest/globals';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { forMs } from '../support/groups.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

describe('A node that does not know the limits of a group', () => {
  afterEach(() => probe.cluster.stop());

  /** Two nodes that know the group and one that does not, with the same handlers. @returns what that one has warned of */
  async function deploy(work: (run: TaskRun) => Promise<void>): Promise<string[]> {
    const warned: string[] = [];
    const options = { groups: { mail: { concurrency: 1 }, 'tenant:*': { concurrency: 1 } } };
    const logger = { log() {}, debug() {}, error() {}, warn: (message: string) => void warned.push(message) };
    probe = await probedCluster({ nodes: 2, options, logger }, work);
    const { cluster } = probe;
    await cluster.join({ handlers: { '*': work }, options: { groups: {} } });
    for (let i = 0; i < 8; i++) {
      const group = i < 6 ? 'mail' : `tenant:${i}`;
      const task = { name: `t${i}`, schedule: { every: '20s' }, group } as const;
      await cluster.during(cluster.node(0).service.addTask(task));
    }
    return warned;
  }

  it('leaves its tasks to those that do, and says so once', async () => {
    let going = 0;
    let most = 0;
    const warned = await deploy(async (run) => {
      if (run.task >= 't6') return;
      most = Math.max(most, ++going);
      await forMs(probe, 2_000, run);
      going--;
    });
    await probe.cluster.advance('5m');
    const [known, , old] = probe.cluster.nodes;
    expect(most).toBe(1);
    expect(new Set(probe.started.map(({ task }) => task)).size).toBe(8);
    expect(old!.service.listOwnTasks()).toEqual([]);
    expect(known!.service.getNode(old!.id)).not.toHaveProperty('groups');
    expect(warned.filter((message) => message.includes('no "mail"'))).toHaveLength(1);
    expect(warned.filter((message) => message.includes('no "tenant:6"'))).toHaveLength(1);
  });

  it('refuses to run one that it is asked for', async () => {
    await deploy(async () => undefined);
    const { service } = probe.cluster.nodes[2]!;
    await expect(probe.cluster.during(service.runTask('t0'))).rejects.toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringContaining('group "mail"'),
    });
  });
});
