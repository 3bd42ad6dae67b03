import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { StartEntry } from '../../lib/testing/checker/log.js';
import type { TaskInput } from '../../lib/index.js';
import { redisCommand } from '../support/servers/redis.js';
import type { RunningServer } from '../support/servers/server.js';
import { ChaosCluster, within } from './cluster.js';
import { goesOn } from './conclusion.js';
import type { FarAheadReport } from './far-ahead.js';
import { strike } from './faults.js';
import { fromSource } from './from-source.js';
import { sum } from './ledger.js';
import type { NodeProcess } from './node-process.js';
import { REGISTRIES } from './registries.js';
import { expectSound, print } from './soundness.js';
import { inTime, secondly, sparse } from './tasks.js';

const HOUR_MS = 3_600_000;
const ASLEEP_MS = 25_000;
const GOES_ON_WITHIN_MS = 20_000;
/** So long after the last trouble ticks are held against their instant. */
const CALM_MS = 8_000;
const redis = REGISTRIES.find(({ name }) => name === 'redis')!;

describe('Time that misbehaves under real processes', () => {
  let cluster: ChaosCluster | undefined;
  afterEach(() => cluster?.stop());

  it('clocks stepped by an hour, one and all, forth and back, and a sleep of all nodes', async () => {
    const { recorder, service, server, nodes } = (cluster = await ChaosCluster.start(redis, { nodes: 3 }));
    const starts: StartEntry[] = [];
    recorder.onEntry((entry) => entry.type === 'start' && starts.push(entry));
    const frequent = (['fire-once', 'fire-all', 'skip'] as const).flatMap((misfire) =>
      secondly(10, { misfire }).map((task) => ({ ...task, name: `${misfire}-${task.name}` })),
    );
    const names = frequent.map(({ name }) => name);
    const seldom: TaskInput[] = [...sparse(20), { name: 'far', schedule: { delay: 2 ** 31 + 5_000 } }];
    await cluster.addTasks([...frequent, ...seldom]);
    await goesOn(cluster, names, GOES_ON_WITHIN_MS);
    const [calmFrom, calmCommands] = [performance.now(), await commandsOf(server)];
    await inTime(5_000);
    const commandsPerSecond = rate(calmFrom, calmCommands, await commandsOf(server));

    const all = [...nodes.values()];
    const troubleFrom = performance.now();
    const commandsBefore = await commandsOf(server);
    for (const stepped of [all.slice(0, 1), all])
      for (const offMs of [HOUR_MS, -HOUR_MS, 0]) {
        setClocks(stepped, offMs);
        await goesOn(cluster, names, GOES_ON_WITHIN_MS);
      }
    const commandsInTrouble = rate(troubleFrom, commandsBefore, await commandsOf(server));

    const asleepFrom = Date.now();
    const wake = await Promise.all(all.map((node) => strike(cluster!, 'long freeze', node)));
    await inTime(ASLEEP_MS);
    const awakeFrom = Date.now();
    await Promise.all(wake.map((heal) => heal()));
    await goesOn(cluster, names, GOES_ON_WITHIN_MS);
    const backFrom = Date.now();
    await inTime(CALM_MS);
    const calm = starts.filter(({ tick }) => tick! > backFrom);
    for (const { name } of seldom) await service.pauseTask(name); // or it would take half a minute to see that they go on

    const { accounts } = await expectSound(cluster, 'clocks stepped by an hour, and a sleep of all nodes');
    print('registry commands', [
      `${commandsPerSecond} each second in calm, ${commandsInTrouble} while clocks are stepped`,
    ]);
    expect(starts.filter(({ tick, at }) => tick! > at + redis.clockErrorMs)).toEqual([]);
    expect(starts.filter(({ task }) => task === 'far')).toEqual([]);
    expect(twice(starts)).toEqual([]);
    expect(commandsInTrouble).toBeLessThan(2 * commandsPerSecond + 200);
    expect(calm.length).toBeGreaterThan(names.length * (CALM_MS / 1_000 - 2));
    expect(Math.max(...calm.map(({ tick, at }) => at - tick!))).toBeLessThan(1_500);

    // No clock that was an hour ahead has made anybody give up an hour of ticks, and the sleep is made up for.
    const asleepTicks = Math.floor((awakeFrom - asleepFrom) / 1_000) - 1;
    for (const { task, skipped } of accounts) {
      const { coalesced = 0, 'misfire-skipped': passedOver = 0, ...others } = skipped;
      expect(others).toEqual(others['overlap'] ? { overlap: others['overlap'] } : {});
      expect(sum(skipped)).toBeLessThan(120);
      if (task.startsWith('fire-once')) expect(coalesced).toBeGreaterThanOrEqual(asleepTicks - 1);
      if (task.startsWith('skip')) expect(passedOver).toBeGreaterThanOrEqual(asleepTicks - 1);
      if (task.startsWith('fire-all')) expect(coalesced + passedOver).toBe(0);
    }
  }, 180_000);

  /** As an operator sets the clocks of these, so far off the machine's. */
  function setClocks(nodes: readonly NodeProcess[], offMs: number): void {
    for (const node of nodes) {
      const what = 'clock-step';
      cluster!.recorder.tell({ type: 'fault', what, process: node.name });
      node.order({ type: 'step-clock', offMs });
      cluster!.recorder.tell({ type: 'heal', what, process: node.name });
    }
  }
});

describe('A real node with tasks far ahead', () => {
  let server: RunningServer | undefined;
  let node: ChildProcess | undefined;
  afterEach(async () => {
    if (node && node.exitCode === null && node.signalCode === null) {
      const ended = once(node, 'exit');
      node.kill('SIGKILL');
      await ended;
    }
    await server?.stop();
  });

  it('sets no timer that Node would cut short, and is idle', async () => {
    server = await redis.start();
    const script = fileURLToPath(new URL('far-ahead.ts', import.meta.url));
    node = fork(script, [], fromSource({ REGISTRY: JSON.stringify(redis.options(server)) }));
    const log: string[] = [];
    for (const output of [node.stdout!, node.stderr!]) output.on('data', (text: Buffer) => log.push(text.toString()));
    const ended = once(node, 'exit').then(([how]) => {
      throw new Error(`it ended with ${String(how)}: ${log.join('')}`);
    });
    const told = once(node, 'message').then(([report]) => report as FarAheadReport);
    const report = await within(60_000, 'it reports', Promise.race([told, ended]));
    ended.catch(() => undefined);
    print('a node with tasks far ahead, for five seconds', [JSON.stringify(report)]);
    expect(report).toMatchObject({ owned: 5, started: 0, warnings: [] });
    expect(report.longestTimerMs).toBeLessThanOrEqual(60_000);
    expect(report.timers).toBeLessThan(200);
    expect(report.cpuMs).toBeLessThan(300);
    expect(log.join('')).not.toContain('TimeoutOverflowWarning');
  }, 90_000);
});

/** Ticks that were started more than once. */
function twice(starts: readonly StartEntry[]): string[] {
  const seen = new Set<string>();
  return starts
    .map(({ unit, tick, attempt }) => `${unit} ${tick} ${attempt}`)
    .filter((start) => seen.size === seen.add(start).size);
}

async function commandsOf(server: RunningServer): Promise<number> {
  const stats = await redisCommand(server, 'INFO stats');
  return Number(/total_commands_processed:(\d+)/.exec(stats)![1]);
}

/** Each second, rounded. */
const rate = (since: number, before: number, after: number): number =>
  Math.round((after - before) / ((performance.now() - since) / 1_000));
