import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fetchDebianFolder } from './debian-packages.js';
import type { RunningServer, ServerKind, StartOptions } from './server.js';
import { startServer, startServers } from './start-server.js';

export interface ZookeeperOptions extends StartOptions {
  /** What was answered survives the end of the machine, at the pace of its disk. A kill loses nothing either way. Default false. */
  durable?: boolean;
  /** Further lines of the configuration file; they win over ours. */
  settings?: Record<string, string>;
  /** Further options of the Java machine. */
  jvm?: string[];
  /** Debian release to take the server from, for older and newer ones. Default: the machine's own. */
  suite?: string;
}

export const zookeeper: ServerKind<ZookeeperOptions> = {
  name: 'zookeeper',
  variable: 'ZOOKEEPER_CONNECT',
  program: { executable: 'java', packages: ['openjdk-17-jre-headless'] },
  ports: 3,
  url: (port) => `127.0.0.1:${port}`,
  async commandLine({ ports: [client], dir, index, members }, { durable = false, settings = {}, jvm = [], suite }) {
    const file = join(dirname(dir), 'zoo.cfg');
    const all: Record<string, string> = {
      tickTime: '500',
      minSessionTimeout: '1000',
      maxSessionTimeout: '60000',
      initLimit: '20',
      syncLimit: '10',
      dataDir: dir,
      clientPort: `${client}`,
      clientPortAddress: '127.0.0.1',
      'admin.enableServer': 'false',
      maxClientCnxns: '0', // 60 for one address, which all clients of a test share
      '4lw.commands.whitelist': '*',
      ...settings,
    };
    if (members.length > 1) {
      members.forEach(({ host, ports }, i) => (all[`server.${i + 1}`] = `${host}:${ports[1]}:${ports[2]}`));
      writeFileSync(idFile(dir), `${index + 1}`);
    }
    writeFileSync(
      file,
      Object.entries(all)
        .map((line) => `${line.join('=')}\n`)
        .join(''),
    );
    return [
      ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', `-Dzookeeper.forceSync=${durable ? 'yes' : 'no'}`],
      ...jvm,
      ...['-cp', await classPath(suite), 'org.apache.zookeeper.server.quorum.QuorumPeerMain', file],
    ];
  },
  fetch: () => classPath(undefined),
  /** A member of an ensemble finds its number among its data, which may have been taken away. */
  async prepare(dir) {
    if (existsSync(idFile(dir))) writeFileSync(join(dir, 'myid'), readFileSync(idFile(dir)));
  },
  /** It listens before it serves, and `ruok` is answered by then too. */
  async answers(address) {
    return /^Mode: /m.test(await zookeeperWord(address, 'srvr', 1_000));
  },
};

export const startZookeeper = (options: ZookeeperOptions = {}): Promise<RunningServer> =>
  startServer(zookeeper, options);

/** Members of one ensemble. */
export const startZookeeperEnsemble = (count: number, options: ZookeeperOptions = {}): Promise<RunningServer[]> =>
  startServers(zookeeper, count, options);

/** What a server says to one of the four-letter words that need no session. */
export function zookeeperWord(
  address: { host: string; port: number },
  word: string,
  withinMs = 5_000,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(address.port, address.host, () => socket.write(word));
    socket.setTimeout(withinMs, () => socket.destroy(new Error(`no reply to ${word} within ${withinMs} ms`)));
    socket.on('data', (part) => parts.push(part));
    socket.once('error', reject);
    socket.once('close', () => resolve(Buffer.concat(parts).toString()));
  });
}

const idFile = (dir: string): string => join(dirname(dir), 'zookeeper-id');

const JARS = ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-simple', 'commons-io', 'metrics-core', 'snappy-java'];
const PACKAGES = ['zookeeper', 'slf4j', 'commons-io', 'dropwizard-metrics', 'snappy'].map((name) => `lib${name}-java`);

/** The machine's own jars where it has them, or else those of the distribution's packages. */
async function classPath(suite: string | undefined): Promise<string> {
  const inFolder = (root: string): string[] => JARS.map((name) => join(root, 'usr/share/java', `${name}.jar`));
  const own = inFolder('/');
  if (suite === undefined && own.every(existsSync)) return own.join(':');
  const root = await fetchDebianFolder({ name: 'zookeeper', packages: PACKAGES, ...(suite && { suite }) });
  return inFolder(root).join(':');
}
