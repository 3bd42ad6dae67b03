/**
 * Debian's cron itself, on a clock that runs faster: its package and that of libfaketime are unpacked into the cache, and
 * the daemon runs in namespaces of its own with its own spool. Nothing of the machine is touched, but it takes root.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { fetchDebianFolder } from '../../test/support/servers/debian-packages.js';
import type { ClockChange, Runs } from './changes.js';

const SECOND = 1_000;
const MINUTE = 60_000;
/** It is started so long before the window, to stand in it as a daemon that has long been running. */
const LEAD = 10 * MINUTE;
const SPEEDS = [240, 120, 60];
const AT_ONCE = 4;
/** A run later in its minute than this may belong to the one before: then the machine was too busy to tell. */
const LATEST_IN_MINUTE = 40 * SECOND;

const CONTROL = '* * * * *';

export interface VixieCron {
  readonly version: string;
  /** Of the zone data that it ran with. */
  readonly zoneData: string;
  /** By change, in their order, and by expression. */
  readonly fired: readonly ReadonlyMap<string, Runs>[];
}

/** @throws Error where it cannot be had or run here, which says why */
export async function measureVixieCron(changes: readonly ClockChange[]): Promise<VixieCron> {
  if (process.getuid?.() !== 0) throw new Error('Debian’s cron needs root, which this process has not');
  const packages = await fetchDebianFolder({ name: 'vixie-cron', packages: ['cron', 'faketime', 'tzdata'] });
  const fired: ReadonlyMap<string, Runs>[] = [];
  const waiting = [...changes.entries()];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) fired[next[0]] = await firedOn(next[1], packages);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { ...versionsIn(packages), fired };
}

async function firedOn(change: ClockChange, packages: string): Promise<ReadonlyMap<string, Runs>> {
  for (const speed of SPEEDS) {
    const runs = await runDaemon(change, packages, speed);
    if (wasOnTime(runs.get(CONTROL)!, change)) {
      runs.delete(CONTROL);
      console.error(`Debian’s cron in ${change.zone}: done at ${speed} times the speed of real time`);
      return new Map([...runs].map(([expression, at]) => [expression, { at: at.map(minuteOf) }]));
    }
  }
  throw new Error(`Debian’s cron came too late for minutes of ${change.zone}: the machine is too busy for it`);
}

/** Runs in [from, to) by expression, on the daemon's clock, to the fraction of a second. */
async function runDaemon(change: ClockChange, packages: string, speed: number): Promise<Map<string, number[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'distributed-schedule-cron-'));
  try {
    const expressions = [CONTROL, ...change.expressions];
    const jobs = expressions.map((text, i) => `${text} root echo ${i} $(date +\\%s\\%N) >> ${folder}/runs`);
    writeFileSync(
      join(folder, 'crontab'),
      ['SHELL=/bin/sh', 'PATH=/usr/bin:/bin', 'MAILTO=""', ...jobs, ''].join('\n'),
    );
    const start = change.from - LEAD;
    const realSeconds = (change.to - start) / speed / SECOND + 1;
    await runFor(realSeconds, [packages, folder, change.zone, String(start / SECOND), String(speed)]);

    const started = BigInt(readFileSync(join(folder, 'started'), 'utf8').trim());
    const runs = new Map(expressions.map((expression) => [expression, [] as number[]]));
    for (const line of readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n')) {
      const [index, realTime] = line.split(' ');
      const at = start + (Number(BigInt(realTime!) - started) / 1e6) * speed;
      if (at >= change.from && at < change.to) runs.get(expressions[Number(index)]!)!.push(at);
    }
    for (const at of runs.values()) at.sort((a, b) => a - b);
    return runs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process and a mount namespace that end with it. */
async function runFor(seconds: number, args: readonly string[]): Promise<void> {
  const script = fileURLToPath(new URL('vixie-cron.sh', import.meta.url));
  const own = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('timeout', ['--signal=KILL', seconds.toFixed(1), ...own, 'sh', script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (said += chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL' && code !== 137) {
    throw new Error(`Debian’s cron ended by itself (${signal ?? code}): ${said.trim()}`);
  }
}

/** Whether it ran what is due every minute once in each, early enough to know which minute it was. */
function wasOnTime(control: readonly number[], { from, to }: ClockChange): boolean {
  return (
    control.length === (to - from) / MINUTE &&
    control.every((at, i) => minuteOf(at) === from + i * MINUTE && at % MINUTE < LATEST_IN_MINUTE)
  );
}

const minuteOf = (at: number): number => Math.floor(at / MINUTE) * MINUTE;

function versionsIn(packages: string): Pick<VixieCron, 'version' | 'zoneData'> {
  const changelog = gunzipSync(readFileSync(join(packages, 'usr/share/doc/cron/changelog.Debian.gz'))).toString();
  const zones = readFileSync(join(packages, 'usr/share/zoneinfo/tzdata.zi'), 'utf8');
  return { version: /\(([^)]+)\)/.exec(changelog)![1]!, zoneData: /^# version (\S+)/.exec(zones)![1]! };
}
