import { describe, expect, it, jest } from '@jest/globals';
import { probedCluster } from '../support/probe.js';

// A graceful leave at every moment around a tick: none is lost, none runs twice, and none waits for the node that goes.

const FROM_MS = -3_000;
const TO_MS = 1_000;
const STEP_MS = 4;
const RUN_MS = 700;
const EVERY_MS = 5_000;

jest.setTimeout(120_000);

interface Departure {
  startedTicks: number[];
  expected: number[];
  latestMs: number;
  lost: number;
}

/** The owner leaves so long after a tick, or before it. */
async function leaveAt(offsetMs: number, seed: number): Promise<Departure> {
  const probe = await probedCluster({ nodes: 3, seed }, ({ signal }) => {
    return new Promise<void>((end) => {
      const timer = probe.cluster.clock.setTimer(RUN_MS, end);
      signal.addEventListener('abort', () => (timer.dispose(), end()));
    });
  });
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { cron: '*/5 * * * * *' } }));
  await cluster.advance(100);
  const tick = Math.ceil((cluster.clock.now() + 4_000) / EVERY_MS) * EVERY_MS;
  const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
  const first = Math.ceil(cluster.clock.now() / EVERY_MS) * EVERY_MS;
  await cluster.advance(tick + offsetMs - cluster.clock.now());
  const left = owner.service.stop();
  await cluster.advance(tick + 2 * EVERY_MS + 500 - cluster.clock.now());
  await left;
  const expected: number[] = [];
  for (let at = first; at <= tick + 2 * EVERY_MS; at += EVERY_MS) expected.push(at);
  const lateness = probe.started.map((start) => start.at - start.tick!);
  const [entry] = cluster.store.list('test/units/a@', {}).entries;
  const { counters } = JSON.parse(entry!.value) as { counters: { lost?: number } };
  await cluster.stop();
  return {
    startedTicks: probe.started.map((start) => start.tick!),
    expected,
    latestMs: Math.max(...lateness),
    lost: counters.lost ?? 0,
  };
}

describe('A node that leaves around a tick', () => {
  it('loses no tick, and delays none', async () => {
    const latest: number[] = [];
    for (let offset = FROM_MS, seed = 1; offset < TO_MS; offset += STEP_MS, seed++) {
      const { startedTicks, expected, latestMs, lost } = await leaveAt(offset, seed);
      expect({ offset, ticks: startedTicks, lost }).toEqual({ offset, ticks: expected, lost: 0 });
      latest.push(latestMs);
    }
    latest.sort((a, b) => a - b);
    expect(latest).toHaveLength((TO_MS - FROM_MS) / STEP_MS);
    expect(latest.at(-1)).toBeLessThan(500);
  });
});
