/** One measurement of the `next` scenario in a fresh process, which knows one library only. Started with `--expose-gc`. */
import { once } from 'node:events';
import { distinct, realistic, ZONES, type Timetable } from './next/expressions.js';
import { peers, type Peer } from './next/peers.js';

export interface NextJob {
  library: string;
  work: 'cold' | 'bytes' | 'shared' | 'distinct';
  count: number;
  /** Holding more schedules ends when it has taken so long, or so much memory. */
  limitMs: number;
  limitMB: number;
}

export interface NextReport {
  /** Of `cold`: the first of all, then for each never-seen expression, then for each never-seen zone. */
  firstMs?: number;
  expressionUs?: number;
  zoneUs?: number;
  /** Of the others: how many were held, with their next tick computed, and what that took. */
  held?: number;
  ms?: number;
  heapBytes?: number;
  residentBytes?: number;
  /** Of `bytes`: before any next tick was computed. */
  parsedBytes?: number;
}

/** A fixed moment: nothing depends on the day it is run. */
const NOW = Date.UTC(2025, 5, 15, 10, 17, 23);

const heap = (): number => {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function cold(peer: Peer): NextReport {
  const first = (timetables: readonly Timetable[]): number =>
    timed(() => {
      for (const { expression, zone } of timetables) peer.next(peer.parse(expression, zone), NOW);
    });
  const expressions = distinct(1_000, () => 'Europe/Paris').slice(1);
  const zones = ZONES.filter((zone) => zone !== 'Europe/Paris');
  return {
    firstMs: first([{ expression: '0 9 * * 1-5', zone: 'Europe/Paris' }]),
    expressionUs: (first(expressions) / expressions.length) * 1_000,
    zoneUs: (first(zones.map((zone) => ({ expression: '0 9 * * 1-5', zone }))) / zones.length) * 1_000,
  };
}

function bytes(peer: Peer, { count }: NextJob): NextReport {
  const timetables = distinct(count, () => 'America/New_York');
  peer.next(peer.parse('0 0 1 1 *', 'America/New_York'), NOW); // what is there once, for the library and the zone
  const before = heap();
  const schedules = timetables.map(({ expression, zone }) => peer.parse(expression, zone));
  const parsed = heap();
  for (const schedule of schedules) peer.next(schedule, NOW);
  const computed = heap();
  return {
    held: schedules.length,
    parsedBytes: (parsed - before) / count,
    heapBytes: (computed - before) / count,
  };
}

function hold(peer: Peer, { work, count, limitMs, limitMB }: NextJob): NextReport {
  const timetables = work === 'shared' ? realistic(count) : distinct(count, (i) => ZONES[i % ZONES.length]!);
  peer.next(peer.parse('0 0 1 1 *', 'UTC'), NOW);
  const [before, resident] = [heap(), process.memoryUsage.rss()];
  const schedules: unknown[] = [];
  const ticks = new Float64Array(count);
  const ms = timed(() => {
    const started = performance.now();
    for (const { expression, zone } of timetables) {
      const schedule = peer.parse(expression, zone);
      ticks[schedules.length] = peer.next(schedule, NOW)!;
      schedules.push(schedule);
      if (schedules.length % 500 > 0) continue;
      if (performance.now() - started > limitMs || process.memoryUsage().heapUsed > limitMB * 1_048_576) break;
    }
  });
  return {
    held: schedules.length,
    ms,
    heapBytes: heap() - before - ticks.byteLength,
    residentBytes: process.memoryUsage.rss() - resident,
  };
}

process.env.TZ = 'UTC'; // for those who know no other zone
const [job] = (await once(process, 'message')) as [NextJob];
const peer = await peers[job.library]!();
const report = job.work === 'cold' ? cold(peer) : job.work === 'bytes' ? bytes(peer, job) : hold(peer, job);
process.send!(report);
await once(process, 'message');
process.disconnect();
