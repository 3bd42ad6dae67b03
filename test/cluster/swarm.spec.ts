import { describe, expect, it } from '@jest/globals';
import { unitsOf } from '../../lib/core/task/unit.js';
import { decodeTask, type TaskInput } from '../../lib/core/task/task-definition.js';
import { compileSchedule } from '../../lib/core/schedule/schedule-spec.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { TestCluster, type TestNode } from '../../lib/testing/cluster/test-cluster.js';

const SEEDS = Number(process.env['SWARM_SEEDS'] ?? 60);
const FIRST_SEED = Number(process.env['SWARM_FROM'] ?? 1);
const SCHEDULES = [
  { cron: '* * * * * *' },
  { every: '5s' },
  { cron: '*/10 * * * * *' },
  { every: '35s' },
  { cron: '* * * * *' },
] as const;

/** One seed: a cluster, random faults and admin actions for some minutes, then peace; the rules hold throughout. */
async function swarm(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const chance = (p: number): boolean => random() < p;
  const problems: string[] = [];
  const starts = new Map<string, Set<string>>();
  const tokens = new Map<string, Set<bigint>>();
  const active = new Map<string, { run: TaskRun; node: TestNode; session: string | undefined }[]>();
  const paused = new Map<string, number>();
  const resumes = new Map<string, number>();
  const resuming = new Map<string, number>();
  const crashed = new Set<string>();
  const frozen = new Set<string>();
  const all: TestNode[] = [];

  const handler = (run: TaskRun): Promise<void> => {
    const node = all.find(({ id }) => id === run.nodeId)!;
    const at = cluster.clock.now();
    const tick = run.tick?.getTime() ?? run.id;
    const key = `${run.task}@${tick}`;
    const seen = starts.get(key) ?? new Set();
    const attempt = run.task.includes('rerun') ? String(run.attempt) : 'once';
    if (seen.has(attempt)) problems.push(`${key} started twice (${attempt}) at ${at}`);
    starts.set(key, seen.add(attempt));
    const seenTokens = tokens.get(run.task) ?? new Set();
    if (seenTokens.has(run.fencingToken)) problems.push(`${key} got a token that was given before`);
    tokens.set(run.task, seenTokens.add(run.fencingToken));
    if (typeof tick === 'number' && tick > at + 350) problems.push(`${key} started ${tick - at} ms early`);
    const since = paused.get(run.task);
    if (since !== undefined && typeof tick === 'number' && tick > since + 100)
      problems.push(`${key} started although paused since ${since}`);
    const others =
      cluster.store.get(`test/nodes/${node.id}`)?.session === node.scheduler.membership.keeper.session?.id
        ? (active.get(run.task) ?? [])
        : [];
    for (const other of others) {
      if (run.task.includes('allow') || crashed.has(other.node.id) || frozen.has(other.node.id)) continue;
      const record = cluster.store.get(`test/nodes/${other.node.id}`);
      if (record?.session !== other.session) continue;
      if (other.run.signal.aborted || !other.node.scheduler.membership.keeper.trusted()) continue;
      problems.push(
        `${key} overlaps with run ${other.run.id} on ${other.node.id}: run ${run.id} on ${node.id} at ${at}`,
      );
    }
    const mine = { run, node, session: node.scheduler.membership.keeper.session?.id };
    active.set(run.task, [...others, mine]);
    return new Promise((resolve) => {
      const end = (): void => {
        active.set(
          run.task,
          (active.get(run.task) ?? []).filter((other) => other !== mine),
        );
        resolve();
      };
      node.host.clock.setTimer(random() < 0.7 ? random() * 100 : random() * 15_000, end);
    });
  };

  const cluster = await TestCluster.start({ nodes: 0, seed, handlers: { '*': handler } });
  const addNode = (): TestNode => {
    const node = cluster.makeNode({ id: `n${all.length + 1}` });
    all.push(node);
    void node.service.start();
    return node;
  };
  for (let i = 0, n = 2 + Math.floor(random() * 3); i < n; i++) addNode();
  await cluster.settle(cluster.nodes);
  const names: string[] = [];
  const definitions = new Map<string, TaskInput>();
  for (let i = 0; i < 6; i++) {
    const recovery = pick(['none', 'rerun'] as const);
    const overlap = pick(['skip', 'allow'] as const);
    const misfire = pick(['fire-once', 'fire-all', 'skip'] as const);
    const name = `t${i}-${recovery}-${overlap}-${misfire}`;
    names.push(name);
    const definition = { name, schedule: pick(SCHEDULES), recovery, overlap, misfire };
    definitions.set(name, definition);
    await cluster.during(pick(cluster.nodes).service.addTask(definition));
  }

  const healthy = (): TestNode[] =>
    cluster.nodes.filter(({ id, service }) => !frozen.has(id) && service.state === 'working');
  const attempt = (work: Promise<unknown>): void =>
    void work.catch((error: { code?: string; message: string }) => {
      if (
        ![
          'REGISTRY_UNAVAILABLE',
          'TASK_STATE',
          'NOT_RUNNING',
          'TASK_RUNNING',
          'TASK_NOT_FOUND',
          'TASK_DELETED',
        ].includes(error.code ?? '')
      )
        problems.push(`admin: ${error.message}`);
    });
  const act = ({ service }: TestNode, name: string, dice: number, second: number): void => {
    const halt = (work: Promise<unknown>): void => {
      const before = resumes.get(name);
      const acknowledged = (): void => {
        if (resumes.get(name) === before && !resuming.get(name)) paused.set(name, cluster.clock.now());
      };
      attempt(work.then(acknowledged));
    };
    const goOn = (work: () => Promise<unknown>): void => {
      paused.delete(name);
      resumes.set(name, second);
      resuming.set(name, (resuming.get(name) ?? 0) + 1);
      attempt(work().finally(() => resuming.set(name, resuming.get(name)! - 1)));
    };
    if (dice < 0.04) halt(service.pauseTask(name));
    else if (dice < 0.06) halt(service.deleteTask(name));
    else if (dice < 0.09) goOn(() => service.resumeTask(name));
    else if (dice < 0.12) goOn(() => service.restoreTask(name));
    else if (dice < 0.14) {
      active.delete(name); // a task that is made anew has no past to overlap with
      goOn(() => service.putTask({ ...definitions.get(name)!, schedule: pick(SCHEDULES) }));
    } else if (dice < 0.17) attempt(service.updateSchedule(name, pick(SCHEDULES)));
    else if (dice < 0.2) attempt(service.runTask(name));
  };

  for (let second = 0; second < 180; second++) {
    const node = pick(cluster.nodes);
    if (chance(0.04)) {
      node.host.freeze();
      frozen.add(node.id);
      const thaw = pick([300, 2_000, 9_000, 20_000]);
      cluster.clock.setTimer(thaw, () => {
        node.host.unfreeze();
        frozen.delete(node.id);
      });
    }
    if (chance(0.06)) {
      node.host.cutLink(pick(['requests', 'replies', 'watches'] as const));
      cluster.clock.setTimer(pick([200, 1_500, 7_000, 15_000]), () => node.host.cutLink('none'));
    }
    if (chance(0.03)) cluster.store.endSession(`s${1 + Math.floor(random() * 12)}`);
    if (chance(0.02)) node.host.skewMs = (random() - 0.5) * 20_000;
    if (chance(0.01) && cluster.nodes.length > 1 && !frozen.has(node.id)) {
      crashed.add(node.id);
      cluster.crash(node);
    }
    if (chance(0.02) && cluster.nodes.length < 6) addNode();
    if (chance(0.01) && cluster.nodes.length > 2 && !crashed.has(node.id)) {
      cluster.nodes.splice(cluster.nodes.indexOf(node), 1);
      void node.service.stop();
    }
    const admin = healthy()[0];
    const name = pick(names);
    if (admin) act(admin, name, random(), second);
    await cluster.advance(1_000);
  }

  for (const node of cluster.nodes) {
    node.host.cutLink('none');
    node.host.unfreeze();
    node.host.skewMs = 0;
  }
  await cluster.advance('30s');
  paused.clear();
  const [last] = cluster.nodes.map(({ service }) => service);
  for (const name of names) {
    await cluster.during(last!.restoreTask(name).catch(() => undefined)); // most have not been deleted
    await cluster.during(last!.resumeTask(name));
  }
  await cluster.advance('90s');

  for (const name of names) {
    const doc = decodeTask(cluster.store.get(`test/tasks/${name}`)!.value)!;
    const [unit] = unitsOf(name, doc);
    const state = JSON.parse(cluster.store.get(`test/${unit!.key}`)!.value) as UnitState;
    const due = compileSchedule(doc.definition.schedule).next(Math.max(state.cursor, doc.since));
    if (due !== undefined && due < cluster.clock.now() - (name.includes('fire-all') ? 320_000 : 21_000))
      problems.push(`${name}: the tick of ${due} is not settled at ${cluster.clock.now()}: ${JSON.stringify(state)}`);
    for (const run of state.runs) {
      const node = cluster.nodes.find(({ id }) => id === run.node);
      if (!node?.scheduler.launcher.isLive(run))
        problems.push(`${name}: run ${run.id} of ${run.node} is left over: ${JSON.stringify(state)}`);
    }
    const {
      claimed = 0,
      succeeded = 0,
      failed = 0,
      cancelled = 0,
      lost = 0,
      'timed-out': timedOut = 0,
    } = state.counters;
    if (
      state.runs.every(({ tick }) => tick !== undefined) &&
      claimed > succeeded + failed + cancelled + lost + timedOut + state.runs.length
    ) {
      problems.push(
        `${name}: ${claimed} claimed, but ${JSON.stringify(state.counters)} and ${state.runs.length} going on`,
      );
    }
  }
  await cluster.stop();
  if (problems.length > 0) throw new Error(`seed ${seed}:\n${problems.slice(0, 10).join('\n')}`);
}

/** Seeds that once failed: they run first, whatever else is asked for. */
const KNOWN = [3, 4, 19, 32, 110, 170, 201, 203];

describe('Swarm', () => {
  it(`holds every rule over ${SEEDS} seeds of random faults`, async () => {
    const failures: string[] = [];
    const seeds = [...KNOWN, ...Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index)];
    for (const seed of new Set(seeds)) {
      await swarm(seed).catch((error: Error) =>
        failures.push(error.message.startsWith('seed') ? error.message : `seed ${seed}: ${error.stack}`),
      );
      if (failures.length >= 5) break;
    }
    expect(failures).toEqual([]);
  }, 300_000);
});
