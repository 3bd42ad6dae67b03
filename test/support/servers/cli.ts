/**
 * npm run servers -- up redis etcd:3   starts them in the background, three of them as a cluster where it says so, and
 *                                      prints the lines to export
 * npm run servers -- down              ends what `up` started
 * npm run servers -- fetch redis       gets the programs only
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, isAlive } from './cache.js';
import { consul } from './consul.js';
import { etcd } from './etcd.js';
import { postgres } from './postgres.js';
import { execute } from './private-apt.js';
import { findProgram } from './programs.js';
import { redis } from './redis.js';
import type { ServerKind } from './server.js';
import { startServers } from './start-server.js';
import { zookeeper } from './zookeeper.js';

const kinds: readonly ServerKind[] = [redis, etcd, zookeeper, consul, postgres];

interface Started {
  name: string;
  pid: number;
  url: string;
  executable: string;
  scratch: string;
}

interface Wanted {
  kind: ServerKind;
  count: number;
}

/** One record per checkout: `down` ends what this one started, and nobody else's. */
const checkout = createHash('sha256')
  .update(fileURLToPath(import.meta.url))
  .digest('hex')
  .slice(0, 12);
const record = join(cacheFolder(), `running-${checkout}.json`);

async function up({ kind, count }: Wanted): Promise<void> {
  const running = await stillRunning();
  let ours = running.filter(({ name }) => name === kind.name);
  if (ours.length > 0) console.error(`# ${kind.name} is running already, since an earlier up (${pidsOf(ours)})`);
  else {
    const servers = await startServers(kind, count, { detached: true });
    ours = servers.map(({ pid, url, scratch }) => {
      return { name: kind.name, pid: pid!, url, executable: kind.program.executable, scratch: scratch! };
    });
    writeFileSync(record, JSON.stringify([...running, ...ours], undefined, 2));
  }
  console.error(`# ${pidsOf(ours)}; "down" ends ${ours.length > 1 ? 'them' : 'it'} and deletes the data`);
  console.log(`export ${kind.variable}=${ours.map(({ url }) => url).join(',')}`);
}

const pidsOf = (servers: readonly Started[]): string => `pid ${servers.map(({ pid }) => pid).join(', ')}`;

async function down(): Promise<void> {
  const running = await stillRunning();
  for (const { name, pid, scratch } of running) {
    process.kill(pid, 'SIGTERM');
    rmSync(scratch, { recursive: true, force: true });
    console.log(`ended ${name} (pid ${pid})`);
  }
  if (running.length === 0) console.log('Nothing that was started by "up" is running.');
  rmSync(record, { force: true });
}

/** A pid alone may meanwhile belong to somebody else: its command line must still name the server. */
async function stillRunning(): Promise<Started[]> {
  const all = existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as Started[]) : [];
  const alive = await Promise.all(
    all.map(async ({ pid, executable }) => isAlive(pid) && (await commandOf(pid)).includes(executable)),
  );
  return all.filter((_started, index) => alive[index]);
}

async function commandOf(pid: number): Promise<string> {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8') : execute('ps', ['-o', 'command=', '-p', String(pid)]);
}

/** Says something only when it takes long, so that a machine that has everything stays quiet. */
async function fetch(kind: ServerKind): Promise<void> {
  if (process.env[kind.variable]) return;
  const slow = setTimeout(() => console.log(`Getting a ${kind.name} server; this may take half a minute.`), 500);
  await findProgram(kind)
    .then(() => kind.fetch?.())
    .finally(() => clearTimeout(slow));
}

const [command, ...names] = process.argv.slice(2);
const chosen = names.map((name): Wanted | undefined => {
  const [, wanted, count] = /^(\w+)(?::(\d))?$/.exec(name) ?? [];
  const kind = kinds.find((known) => known.name === wanted);
  return kind && { kind, count: Number(count ?? 1) };
});
try {
  const isIncomplete = command !== 'down' && chosen.length === 0;
  if (isIncomplete || chosen.includes(undefined) || !['up', 'down', 'fetch'].includes(command ?? '')) {
    throw new Error(
      `Usage: up <server>[:<how many>]... | down | fetch <server>...   Servers: ${kinds.map(({ name }) => name).join(', ')}`,
    );
  }
  if (command === 'down') await down();
  for (const wanted of chosen) {
    if (wanted && command === 'up') await up(wanted);
    else if (wanted && command === 'fetch') await fetch(wanted.kind);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
