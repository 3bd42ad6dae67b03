import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pass } from 'node:timers/promises';
import type { StartEntry } from '../../lib/testing/checker/log.js';
import type { RunningServer } from '../support/servers/server.js';
import { ChaosCluster } from './cluster.js';
import { goesOn } from './conclusion.js';
import { QUORUMS } from './quorums.js';
import { expectSound, print } from './soundness.js';
import { secondly, sparse } from './tasks.js';

/** An election, a call that waits for its end, and what a busy machine adds; Consul's takes longest. */
const GOES_ON_WITHIN_MS = 20_000;

describe.each(QUORUMS)('Real processes on three servers of $name', (quorum) => {
  let cluster: ChaosCluster | undefined;
  let servers: RunningServer[] = [];
  afterEach(async () => {
    await cluster?.stop();
    await Promise.all(servers.map((server) => server.stop()));
  });

  /** The leader first. */
  async function byRank(): Promise<RunningServer[]> {
    for (;;) {
      const leads = await Promise.all(servers.map((server) => quorum.leads(server).catch(() => false)));
      const leader = servers[leads.indexOf(true)];
      if (leader) return [leader, ...servers.filter((server) => server !== leader)];
      await pass(50);
    }
  }

  it('the leader is killed twice, then the majority for 12 s: every tick still starts once at most, and all goes on', async () => {
    servers = await quorum.start();
    let nodes = 0;
    const registry = {
      name: quorum.name,
      start: async () => servers[0]!,
      options: () => quorum.options(servers, nodes++),
      clockErrorMs: 600,
      randomMs: 0,
    };
    cluster = await ChaosCluster.start(registry, { nodes: 3 });
    const { recorder } = cluster;
    const starts: StartEntry[] = [];
    recorder.onEntry((entry) => entry.type === 'start' && starts.push(entry));
    const tasks = secondly(100);
    await cluster.addTasks([...tasks, ...sparse(30)]);
    const names = tasks.map(({ name }) => name);
    await goesOn(cluster, names, GOES_ON_WITHIN_MS);

    const gaps: string[] = [];
    const without = async (what: string, victims: RunningServer[], lastsMs: number): Promise<void> => {
      recorder.tell({ type: 'fault', what: 'server-kill' });
      const from = Date.now();
      await Promise.all(victims.map((server) => server.kill()));
      if (lastsMs > 0) await pass(lastsMs);
      else await goesOn(cluster!, names, GOES_ON_WITHIN_MS); // with the servers that are left
      await Promise.all(victims.map((server) => server.restart({ keepData: true })));
      recorder.tell({ type: 'heal', what: 'server-kill' });
      await goesOn(cluster!, names, GOES_ON_WITHIN_MS);
      const times = [from, ...starts.filter(({ at }) => at > from).map(({ at }) => at)].sort((a, b) => a - b);
      const gap = Math.max(...times.slice(1).map((at, i) => at - times[i]!));
      gaps.push(`${what}: no start for ${gap} ms at the longest`);
    };

    for (const what of ['a leader killed', 'another leader killed'])
      await without(what, (await byRank()).slice(0, 1), 0);
    await without('the majority killed for 12 s', (await byRank()).slice(0, 2), 12_000);
    print(`three servers of ${quorum.name}`, gaps);
    await expectSound(cluster, `three servers of ${quorum.name}: leaders and the majority killed`);
    expect(starts.length).toBeGreaterThan(2_000);
  }, 240_000);
});
