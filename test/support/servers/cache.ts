import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Where fetched servers are kept between runs. A user without a writable home gets a folder among the temporary ones; so
 * does what somebody else must be able to run, who may not look into that home.
 */
export function cacheFolder({ forOthers = false } = {}): string {
  const home = join(
    process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'),
    'nestjs-distributed-schedule',
    'servers',
  );
  const temporary = join(tmpdir(), `nestjs-distributed-schedule-${userInfo().uid}`, 'servers');
  for (const folder of forOthers ? [temporary] : [home, temporary]) {
    try {
      mkdirSync(folder, { recursive: true });
      return folder;
    } catch {
      // Not writable: the next one.
    }
  }
  throw new Error(`Neither ${home} nor ${temporary} can be created; set XDG_CACHE_HOME to a writable folder.`);
}

/** Runs `work` while no other process does. A lock whose owner is gone counts for nothing. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!acquire(path)) await sleep(100);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** A link is made with its content in one step, so a lock never exists without its owner's pid in it. */
function acquire(path: string): boolean {
  const ticket = `${path}.${process.pid}`;
  writeFileSync(ticket, String(process.pid));
  try {
    linkSync(ticket, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (isAbandoned(path)) rmSync(path, { force: true });
    return false;
  } finally {
    rmSync(ticket, { force: true });
  }
}

function isAbandoned(path: string): boolean {
  try {
    return !isAlive(Number(readFileSync(path, 'utf8')));
  } catch {
    return false; // Released just now.
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
