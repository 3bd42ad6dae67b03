import { describe, expect, it } from '@jest/globals';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

// A backfill of four days of a daily task, and its owner: whatever can befall it befalls it at every one of its steps
// and calls, each in a play of its own.

const DAY = 86_400_000;
const NOON = Date.UTC(2030, 0, 1, 12);
const DAYS = [-4, -3, -2, -1];
const RUN_MS = 400;

type Fault = (probe: ProbedCluster, doomed: TestNode) => void;
const after = ({ cluster }: ProbedCluster, ms: number, then: () => void): void => void cluster.clock.setTimer(ms, then);

const PAUSED = 'the task is paused and resumed';

const FAULTS: Record<string, Fault> = {
  'it crashes': ({ cluster }, doomed) => cluster.crash(doomed),
  'it freezes for 15 s, longer than its session': (probe, { host }) => {
    host.freeze();
    after(probe, 15_000, () => host.unfreeze());
  },
  'it freezes for 3 s': (probe, { host }) => {
    host.freeze();
    after(probe, 3_000, () => host.unfreeze());
  },
  'it cannot reach the registry for 15 s': (probe, { host }) => {
    host.cutLink('requests');
    after(probe, 15_000, () => host.cutLink('none'));
  },
  'it does not hear the registry for 15 s': (probe, { host }) => {
    host.cutLink('replies');
    after(probe, 15_000, () => host.cutLink('none'));
  },
  'it does not hear the registry for 2 s': (probe, { host }) => {
    host.cutLink('replies');
    after(probe, 2_000, () => host.cutLink('none'));
  },
  'it leaves': (_, { service }) => void service.stop(),
  [PAUSED]: (_, { service }) =>
    void service.pauseTask('a').then(
      () => service.resumeTask('a').catch(() => undefined),
      () => undefined,
    ),
};
/** In these the owner may lose a run that it has claimed. */
const DEADLY = ['it crashes', 'it freezes for 15 s, longer than its session', 'it cannot reach', 'it does not hear'];

interface Outcome {
  struck: boolean;
  /** Claims of each day, whatever became of them. */
  claims: number[];
  begun: number[];
  ended: number[];
  /** Those that a pause came in the way of, between claim and start. */
  cancelled: number[];
  state: string | undefined;
  started: number | undefined;
}

async function play(recovery: 'none' | 'rerun', fault: Fault, nth: number): Promise<Outcome> {
  const ended: number[] = [];
  const probe = await probedCluster({ nodes: 3 }, async (run) => {
    const { host } = probe.cluster.nodes.find(({ id }) => id === run.nodeId)!;
    await new Promise<void>((end) => host.clock.setTimer(RUN_MS, end));
    if (!run.signal.aborted) ended.push((run.tick!.getTime() - NOON) / DAY);
  });
  const { cluster } = probe;
  const claims = new Map<string, number>();
  cluster.store.watch('test/units/', (change) => {
    if (change.type !== 'put') return;
    const { runs } = JSON.parse(change.entry.value) as UnitState;
    for (const { id, tick } of runs) claims.set(id, (tick! - NOON) / DAY);
  });
  for (const { host } of cluster.nodes) host.fate = () => ({ lateMs: 3 });
  const asker = cluster.node(0);
  await cluster.during(asker.service.addTask({ name: 'a', schedule: { cron: '0 12 * * *' }, recovery }));
  await cluster.advance('1s');
  const doomed = cluster.nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
  const [witness] = cluster.nodes.filter((node) => node !== doomed);
  let struck = false;
  const from = doomed.host.steps;
  doomed.host.onStep = (step) => {
    if (step !== from + nth) return;
    struck = true;
    fault(probe, doomed);
  };
  await cluster.during(witness!.service.backfillTask('a', { from: NOON - 4 * DAY, to: NOON - DAY, only: 'all' }));
  await cluster.advance(4 * (RUN_MS + 50));
  delete doomed.host.onStep;
  await cluster.advance('2m');
  const view = await cluster.during(witness!.service.getBackfill('a'));
  const history = (await cluster.during(witness!.service.listRuns({ task: 'a' }))) as RunRecord[];
  await cluster.stop();
  const dayOf = ({ tick }: { tick?: number }): number => (tick! - NOON) / DAY;
  return {
    struck,
    claims: [...claims.values()],
    begun: probe.started.map(dayOf),
    ended,
    cancelled: history.filter(({ outcome }) => outcome === 'cancelled').map(dayOf),
    state: view?.state,
    started: view?.started,
  };
}

describe.each(['none', 'rerun'] as const)("The owner amid a backfill, recovery '%s'", (recovery) => {
  it.each(Object.entries(FAULTS))(
    '%s, at every step',
    async (name, fault) => {
      const problems: unknown[] = [];
      let struck = 0;
      const mayLose = DEADLY.some((deadly) => name.startsWith(deadly));
      for (let nth = 1; ; nth++) {
        const outcome = await play(recovery, fault, nth);
        if (!outcome.struck) break;
        struck++;
        const { claims, begun, ended, cancelled, state, started } = outcome;
        const distinct = new Set(begun);
        const lost = DAYS.filter((day) => !ended.includes(day));
        const isRight =
          state === 'done' &&
          started === 4 &&
          JSON.stringify(claims) === JSON.stringify(DAYS) &&
          JSON.stringify([...distinct]) === JSON.stringify(DAYS.filter((day) => distinct.has(day))) &&
          (recovery === 'rerun' || distinct.size === begun.length) &&
          lost.length <= 1 &&
          ((recovery === 'none' && mayLose) || JSON.stringify(lost) === JSON.stringify(cancelled)) &&
          (cancelled.length === 0 || name === PAUSED);
        if (!isRight) problems.push({ nth, ...outcome });
      }
      expect(problems).toEqual([]);
      expect(struck).toBeGreaterThan(15);
    },
    60_000,
  );
});
