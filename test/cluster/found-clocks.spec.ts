import { afterEach, describe, expect, it } from '@jest/globals';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import { Timeline } from '../../lib/core/scheduler/timeline.js';
import type { CallStep, Fate } from '../../lib/testing/cluster/link.js';
import { Host } from '../../lib/testing/cluster/host.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { VirtualClock } from '../../lib/testing/cluster/virtual-clock.js';
import { atNextMeasurement, failing, probedCluster, type ProbedCluster } from '../support/probe.js';

// What the simulation found about clocks that are stepped at the worst moment: one test for each.

const MINUTE_MS = 60_000;
const FIXED = { attempts: 3, delay: '20s', backoff: 'fixed' } as const;

let probe: ProbedCluster;
let node: TestNode;

/** One node, and a task on it. */
async function nodeWithTask(cron: string): Promise<void> {
  probe = await probedCluster({ nodes: 1 });
  node = probe.cluster.node(0);
  await probe.cluster.during(node.service.addTask({ name: 'a', schedule: { cron } }));
  await probe.cluster.advance(50);
}

/** What becomes of the call that the node makes now, or of the `ahead`th after the latest. */
function call(ahead: number, step: CallStep, fate: Fate): void {
  const number = node.host.calls + ahead;
  node.host.fate = (made, at) => (made === number && at === step ? fate : 'passes');
}

function stepForth(afterMs: number): void {
  probe.cluster.clock.setTimer(afterMs, () => (node.host.skewMs = MINUTE_MS));
}

/** No tick has been settled before its time, and the task goes on. */
async function expectOnTime(): Promise<void> {
  const { cluster } = probe;
  await cluster.advance('2s');
  const [unit] = cluster.store.list('test/units/', {}).entries;
  expect((JSON.parse(unit!.value) as UnitState).cursor).toBeLessThan(cluster.clock.now() + 150);
  const before = probe.started.length;
  await cluster.advance('10s');
  expect(probe.started.length).toBeGreaterThan(before + 5);
}

describe('A clock that is stepped', () => {
  afterEach(() => probe.cluster.stop());

  it('while the registry tells its time is measured as it stands then', async () => {
    await nodeWithTask('* * * * * *');
    await atNextMeasurement(probe, node, () => {
      call(1, 'reply', { lateMs: 300 });
      stepForth(100);
    });
    await probe.cluster.advance(400);
    expect(Math.abs(node.scheduler.context.clock.offsetMs + MINUTE_MS)).toBeLessThan(200);
    await expectOnTime();
  });

  it('after it was measured, while the renewal is still under way, is not trusted', async () => {
    await nodeWithTask('* * * * * *');
    await atNextMeasurement(probe, node, () => {
      call(0, 'reply', { lateMs: 600 }); // the renewal goes out just before
      stepForth(300);
    });
    await expectOnTime();
  });

  it('is not trusted again by a renewal that could not measure it', async () => {
    await nodeWithTask('* * * * * *');
    await atNextMeasurement(probe, node, () => {
      call(1, 'request', 'lost');
      stepForth(0);
    });
    await expectOnTime();
  });

  it('back and forth between two measurements delays no tick longer than to the next one', async () => {
    await nodeWithTask('*/10 * * * * *');
    const { clock } = probe.cluster;
    await clock.advanceUntil(() => probe.started.length === 1);
    const next = probe.started[0]!.tick! + 10_000;
    await clock.advance(next - clock.now() - 150);
    node.host.skewMs = -MINUTE_MS; // the timer that is due now is set again, toward an instant a minute away
    await clock.advance(100);
    node.host.skewMs = 0;
    await clock.advance('5s');
    expect(probe.started.map(({ tick }) => tick)).toContain(next);
  });

  it('before it meets a loss of data does not put off the ticks after it', async () => {
    await nodeWithTask('* * * * * *');
    await probe.cluster.advance('3s');
    node.host.skewMs = MINUTE_MS;
    probe.cluster.store.wipe();
    await expectOnTime();
  });

  it('while a run waits for another attempt delays that by no more than the next renewal', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => (attempt < 2 ? failing() : undefined));
    await probe.add('a', { retry: { ...FIXED, delay: '18s' } });
    await probe.cluster.advance('17s');
    probe.cluster.node(0).host.skewMs = MINUTE_MS; // not trusted when the attempt is due
    await probe.cluster.advance('5s');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it.each(['goes on', 'dies'])(
    'when an attempt fails puts the next off no longer than said, if the node %s',
    async (how) => {
      probe = await probedCluster({ nodes: 2 }, ({ attempt }) => {
        if (attempt > 1) return;
        probe.firstAndOther().first.host.skewMs = MINUTE_MS; // so the next is noted as due in 80 seconds
        throw new Error('boom');
      });
      await probe.add('a', { retry: FIXED });
      await probe.cluster.advance('5s');
      const { first, other } = probe.firstAndOther();
      if (how === 'dies') probe.cluster.crash(first);
      await probe.cluster.advance(how === 'dies' ? '35s' : '20s');
      const last = how === 'dies' ? other : first;
      expect(probe.started.map(({ node, attempt }) => [node, attempt])).toEqual([
        [first.id, 1],
        [last.id, 2],
      ]);
    },
  );
});

describe('A timer', () => {
  it('is set anew only where it would come late', async () => {
    const clock = new VirtualClock();
    const host = new Host(clock);
    const rung: number[] = [];
    let set = 0;
    const timeline = new Timeline({
      ...host.clock,
      setTimer: (delayMs, fn) => {
        set++;
        return host.clock.setTimer(delayMs, fn);
      },
    });
    timeline.at(clock.now() + 10_000, () => rung.push(clock.monotonic()));
    await clock.advance('1s');
    timeline.rearm();
    host.skewMs = -1_000; // it would come early, and be set anew then
    timeline.rearm();
    expect(set).toBe(1);
    host.skewMs = 5_000;
    timeline.rearm();
    expect(set).toBe(2);
    await clock.advance('20s');
    expect(rung).toEqual([5_000]);
  });
});
