/**
 * npm run servers -- up redis     starts it in the background and prints the line to export
 * npm run servers -- down         ends what `up` started
 * npm run servers -- fetch redis  gets the program only
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, isAlive } from './cache.js';
import { execute } from './private-apt.js';
import { findProgram } from './programs.js';
import { redis } from './redis.js';
import type { ServerKind } from './server.js';
import { startServer } from './start-server.js';

const kinds: ServerKind[] = [redis];

interface Started {
  name: string;
  pid: number;
  url: string;
  variable: string;
  executable: string;
  scratch: string;
}

/** One record per checkout: `down` ends what this one started, and nobody else's. */
const checkout = createHash('sha256')
  .update(fileURLToPath(import.meta.url))
  .digest('hex')
  .slice(0, 12);
const record = join(cacheFolder(), `running-${checkout}.json`);

async function up(kind: ServerKind): Promise<void> {
  const running = await stillRunning();
  let started = running.find(({ name }) => name === kind.name);
  if (started) console.error(`# ${kind.name} is running already, since an earlier up (pid ${started.pid})`);
  else {
    const server = await startServer(kind, { detached: true });
    started = {
      name: kind.name,
      pid: server.pid!,
      url: server.url,
      variable: kind.variable,
      executable: kind.program.executable,
      scratch: server.scratch!,
    };
    writeFileSync(record, JSON.stringify([...running, started], undefined, 2));
  }
  console.log(`export ${started.variable}=${started.url}`);
}

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
  await findProgram(kind).finally(() => clearTimeout(slow));
}

const [command, ...names] = process.argv.slice(2);
const chosen = names.map((name) => kinds.find((kind) => kind.name === name));
try {
  if (chosen.includes(undefined) || !['up', 'down', 'fetch'].includes(command ?? '')) {
    throw new Error(
      `Usage: up <server>... | down | fetch <server>...   Servers: ${kinds.map(({ name }) => name).join(', ')}`,
    );
  }
  if (command === 'down') await down();
  for (const kind of chosen)
    if (kind) await (command === 'up' ? up(kind) : command === 'fetch' ? fetch(kind) : undefined);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
