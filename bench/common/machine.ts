import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { median, short } from './statistics.js';

/** What figures of this machine must be read with. */
export function machineFacts(): Record<string, string | number> {
  const [cpu] = cpus();
  return {
    cores: cpus().length,
    cpu: cpu?.model ?? 'unknown',
    'memory GB': Math.round(totalmem() / 2 ** 30),
    node: process.version,
    'load before': short(loadavg()[0]!),
    'fdatasync median ms': short(fsyncMs()),
  };
}

/** Which clients the figures are of. */
export function clientVersions(): string {
  const require = createRequire(import.meta.url);
  const names = ['ioredis', '@grpc/grpc-js', 'undici'];
  return names.map((name) => `${name} ${(require(`${name}/package.json`) as { version: string }).version}`).join(', ');
}

/** Resident memory of another process. Unknown where the system has no such file. */
export function residentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}

/** A small write made durable, where the servers keep their data too. */
function fsyncMs(): number {
  const folder = mkdtempSync(join(tmpdir(), 'distributed-schedule-bench-'));
  const file = openSync(join(folder, 'file'), 'w');
  const took = Array.from({ length: 200 }, () => {
    const started = performance.now();
    writeSync(file, 'x'.repeat(512), 0);
    fdatasyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return median(took);
}
