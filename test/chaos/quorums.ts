import type { RegistryOptions } from '../../lib/index.js';
import { etcdGateway } from '../support/etcd-lab.js';
import { startConsuls } from '../support/servers/consul.js';
import { startEtcdCluster } from '../support/servers/etcd.js';
import type { RunningServer } from '../support/servers/server.js';
import { startZookeeperEnsemble, zookeeperWord } from '../support/servers/zookeeper.js';

/** A registry of three servers, of which two decide. */
export interface Quorum {
  readonly name: string;
  start(): Promise<RunningServer[]>;
  /** How the n-th node reaches them. */
  options(servers: readonly RunningServer[], n: number): RegistryOptions;
  leads(server: RunningServer): Promise<boolean>;
}

const urls = (servers: readonly RunningServer[]): string => servers.map(({ url }) => url).join(',');

/** To add one: its entry here. */
export const QUORUMS: readonly Quorum[] = [
  {
    name: 'etcd',
    start: () => startEtcdCluster(3, { killable: true }),
    options: (servers) => ({ type: 'etcd', endpoints: urls(servers) }),
    async leads(server) {
      const { leader, header } = await etcdGateway(server, 'maintenance/status', {});
      return leader === (header as { member_id: string }).member_id;
    },
  },
  {
    name: 'zookeeper',
    start: () => startZookeeperEnsemble(3, { killable: true }),
    options: (servers) => ({ type: 'zookeeper', connect: urls(servers) }),
    leads: async (server) => (await zookeeperWord(server, 'srvr')).includes('Mode: leader'),
  },
  {
    name: 'consul',
    start: () => startConsuls(3, { killable: true }),
    // A node talks to one agent only, as to the one beside it: while that is away others have to take its tasks.
    options: (servers, n) => ({ type: 'consul', address: servers[n % servers.length]!.url }),
    async leads({ url }) {
      const self = (await (await fetch(`${url}/v1/agent/self`)).json()) as { Stats: { consul: { leader: string } } };
      return self.Stats.consul.leader === 'true';
    },
  },
];
