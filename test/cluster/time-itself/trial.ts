import type { EpochMs } from '../../../lib/core/common/clock.js';
import type { SkipReason } from '../../../lib/core/common/run.js';
import type { Registry } from '../../../lib/core/registry/registry.js';
import { TestCluster, type TestNode } from '../../../lib/testing/cluster/test-cluster.js';
import type { Counters } from '../../../lib/core/scheduler/unit-state.js';
import { Books, gapsOf, iso, SKIPS } from './books.js';
import {
  DENSE,
  MINUTE,
  NEXT_MS,
  SECOND,
  SEVEN_HOURS,
  sparseKinds,
  specimensOf,
  type Kind,
  type Specimen,
} from './kinds.js';
import { LIMIT } from './expected.js';
import { Machine } from './machine.js';

export interface TrialOptions {
  nodes: number;
  /** Whether the registry tells the time. */
  tells: boolean;
  start: EpochMs;
  cluster?: { ttlMs: number; heartbeatMs: number; resyncMs: number };
  /** What clocks show beside true time, at a moment of true time. */
  curves?: { nodes?: Curve; registry?: Curve };
  /** The registry's clock is set back by so much, which nodes notice at the next heartbeat. @default 0 */
  registryBackMs?: number;
}

export type Curve = (trueNow: EpochMs) => number;

interface Start {
  task: string;
  tick: EpochMs;
  /** By the cluster's clock: the registry's, and that of the node where it tells none. */
  at: EpochMs;
  node: string;
}

export interface Trouble {
  begins: EpochMs;
  /** When it is over on the cluster's clock, in whole minutes. */
  ends: EpochMs;
  /** So long before its next tick the daily task has one, to be missed. */
  missedMs: number;
  /** Tasks with many ticks. @default every kind of them */
  dense?: readonly Specimen[];
  /** Tasks beside these. @default none */
  others?: readonly Kind[];
}

/** What all nodes together have done up to a moment of true time. */
export interface Effort {
  at: EpochMs;
  /** Calls of the registry. */
  calls: number;
  timers: number;
  /** Timers behind which appointments wait. */
  alarms: number;
  /** Units written. */
  writes: number;
}

/** Two heartbeats of the default are 6.7 s: then a node that is still in the cluster knows what time it is. */
export const NOTICED_MS = 8 * SECOND;
/** How far off the registry's time may be known. */
const RESOLUTION_MS = 1;
const PROMPT_MS = 50;
/** By so much a start may come after the look that judged its tick. */
const LATE_MS = 1_000;
/** What a node does each minute, a little more than with nothing to do by the default heartbeat, and all for each write. */
const RATES = {
  calls: { perMinute: 75, perWrite: 2 },
  timers: { perMinute: 45, perWrite: 3 },
  alarms: { perMinute: 2, perWrite: 1.5 },
};
/** What coming back to the cluster takes. */
const ONCE = 500;
/** A timer that is set anew every millisecond makes a thousand. */
const MOST_ALARMS = 300;
/** So long before trouble begins nobody sleeps any more. */
const UP_MS = 10 * MINUTE;
/** So long every task is there before trouble begins. */
const EVE_MS = 30.5 * SECOND; // what is due every so often from then on is not due when it begins
/** So long after the end of trouble all that is looked for has come. */
export const OVER_MS = NEXT_MS + 20 * SECOND;

/** A cluster whose time is trifled with, and what came of it. */
export class Trial {
  readonly books: Books;
  readonly starts: Start[] = [];
  readonly machines: Machine[] = [];
  private readonly specimens: Specimen[] = [];
  private writer: Machine | undefined;
  private eve?: { effort: Effort; counters: Map<string, Counters> };

  private constructor(
    readonly cluster: TestCluster,
    private readonly options: TrialOptions,
  ) {
    const { registryBackMs: back = 0 } = options;
    this.books = new Books(() => this.timeOf(this.writer), [0, -1, 1, back, back - 1, back + 1]);
    cluster.store.watch('', (change) => this.books.hear(change));
  }

  static async begin(options: TrialOptions): Promise<Trial> {
    const cluster = await TestCluster.start({
      nodes: 0,
      start: new Date(options.start),
      options: { keepRuns: 1_000_000, ...(options.cluster && { cluster: options.cluster }) },
    });
    const { registry } = options.curves ?? {};
    const { clock } = cluster.store;
    const now = clock.now.bind(clock);
    if (registry) clock.now = () => Math.floor(now() + registry(cluster.clock.now()));
    const trial = new Trial(cluster, options);
    for (let i = 0; i < options.nodes; i++) trial.makeNode();
    await cluster.settle(cluster.nodes);
    return trial;
  }

  /** The cluster's time: the registry's, also where it tells nobody. */
  now(): EpochMs {
    return this.cluster.store.clock.now();
  }

  /**
   * A cluster with a task of each kind, each policy and each deadline, at the moment in which trouble begins.
   */
  static async onTheEveOf(
    { begins, ends, missedMs, dense = specimensOf(DENSE), others = [] }: Trouble,
    options: Omit<TrialOptions, 'start'>,
  ): Promise<Trial> {
    const next = ends + NEXT_MS;
    const added = next - SEVEN_HOURS * Math.ceil((next - begins + 2 * UP_MS) / SEVEN_HOURS);
    const trial = await Trial.begin({ ...options, start: added - SECOND });
    await trial.until(added);
    await trial.add(specimensOf([...sparseKinds(ends, { missedMs }), ...others]));
    await trial.sleep(begins - UP_MS); // hours in which little happens
    await trial.until(begins - EVE_MS);
    await trial.add(dense);
    await trial.until(begins);
    const counters = trial.books.accounts().map(({ specimen: { name }, unit }) => [name, unit.counters] as const);
    trial.eve = { effort: trial.effort(), counters: new Map(counters) };
    return trial;
  }

  async add(specimens: readonly Specimen[]): Promise<void> {
    this.specimens.push(...specimens);
    this.books.expect(specimens);
    const { service } = this.cluster.node(0);
    for (const { name, kind, misfire, deadlineMs } of specimens) {
      const policies = { misfire, misfireDeadline: deadlineMs, misfireLimit: LIMIT };
      await this.cluster.during(service.addTask({ name, handler: '*', schedule: kind.schedule, ...policies }));
    }
  }

  /** Lets true time pass until this instant of it. */
  async until(instant: EpochMs): Promise<void> {
    await this.cluster.advance(instant - this.cluster.clock.now());
  }

  /** All of these machines sleep until this instant of true time. */
  async sleep(
    until: EpochMs,
    { machines = this.machines, monotonic = 'counts' as 'counts' | 'stands' } = {},
  ): Promise<void> {
    for (const machine of machines) machine.sleep(monotonic);
    await this.until(until);
    for (const machine of machines) machine.wake();
  }

  /** Lets time pass until the cluster's clock shows this. */
  async untilShown(instant: EpochMs): Promise<void> {
    for (let left = instant - this.now(); left > 0; left = instant - this.now())
      await this.cluster.advance(Math.ceil(left));
  }

  /** From now on the wall clocks of these show so much more or less; without names, those of all and the registry's. */
  step(byMs: number, machines?: readonly Machine[]): void {
    for (const machine of machines ?? this.machines) machine.step(byMs);
    if (!machines) this.cluster.serverSkewMs += byMs;
  }

  /** The registry takes every node for dead. */
  endSessions(): void {
    for (const { scheduler } of this.cluster.nodes) {
      this.cluster.store.endSession(scheduler.membership.keeper.session!.id);
    }
  }

  effort(): Effort {
    const sum = (of: (node: number) => number): number => this.machines.reduce((all, _, node) => all + of(node), 0);
    return {
      at: this.cluster.clock.now(),
      calls: sum((node) => this.cluster.node(node).host.calls),
      timers: sum((node) => this.machines[node]!.timers),
      alarms: sum((node) => this.machines[node]!.alarms),
      writes: this.books.writes,
    };
  }

  /** Resolves when no run is under way, not even one that is claimed ahead of its tick. */
  async rest(): Promise<void> {
    await this.cluster.clock.advanceUntil(() => !this.books.isBusy);
  }

  /** What was skipped since the eve of trouble, by task. */
  skips(): { task: string; reason: SkipReason; count: number }[] {
    return this.books.accounts().flatMap(({ specimen: { name }, unit: { counters } }) =>
      SKIPS.map((reason) => {
        const before = this.eve?.counters.get(name)?.[reason] ?? 0;
        return { task: name, reason, count: (counters[reason] ?? 0) - before };
      }).filter(({ count }) => count > 0),
    );
  }

  /** What became of this task's ticks in (from, to], in order: `3 too-late`, `misfire 08:28:00`. */
  fate(task: string, from: EpochMs, to: EpochMs): string[] {
    const { history } = this.books.accounts().find(({ specimen: { name } }) => name === task)!;
    const told = history.map((record) =>
      record.kind === 'run'
        ? { at: record.tick!, what: `${record.trigger} ${new Date(record.tick!).toISOString().slice(11, 19)}` }
        : { at: record.to, what: `${record.atLeast ? 'at least ' : ''}${record.count} ${record.reason}` },
    );
    return told
      .filter(({ at }) => at > from && at <= to)
      .sort((a, b) => a.at - b.at)
      .map(({ what }) => what);
  }

  /** What every trial must hold. `calm`: from where to where on the cluster's clock nothing was in the way of any tick. */
  problems(calm?: { from: EpochMs; to: EpochMs }): string[] {
    return [
      ...this.wasteProblems(),
      ...this.books.problems,
      ...this.startProblems(),
      ...this.books.accounts().flatMap((account) => gapsOf(account)),
      ...(calm ? this.promptProblems(calm) : []),
    ];
  }

  /** Nothing goes round in circles: what is done since the eve of trouble follows from the time and the ticks. */
  private wasteProblems(): string[] {
    const problems: string[] = [];
    for (const { spunAt, mostAlarms, longestAlarmMs } of this.machines) {
      if (spunAt !== undefined) problems.push(`a node sets timers without end at ${iso(spunAt)}`);
      if (mostAlarms > MOST_ALARMS) problems.push(`a node sets ${mostAlarms} alarms within a second`);
      if (longestAlarmMs > MINUTE) problems.push(`a node sets an alarm for ${longestAlarmMs} ms`);
    }
    if (!this.eve) return problems;
    const [before, after] = [this.eve.effort, this.effort()];
    const minutes = (this.machines.length * (after.at - before.at)) / MINUTE;
    for (const what of Object.keys(RATES) as (keyof typeof RATES)[]) {
      const { perMinute, perWrite } = RATES[what];
      const most = ONCE + perMinute * minutes + perWrite * (after.writes - before.writes);
      const done = after[what] - before[what];
      if (done > most) problems.push(`${done} ${what} are more than ${Math.round(most)}`);
    }
    return problems;
  }

  private startProblems(): string[] {
    const { tells, registryBackMs = 0 } = this.options;
    const early = this.starts.filter(({ tick, at }) => tick > at + registryBackMs + (tells ? RESOLUTION_MS : 0));
    const seen = new Set<string>();
    const twice = this.starts.filter(({ task, tick }) => {
      const key = `${task} ${tick}`;
      return seen.has(key) || !seen.add(key);
    });
    const ran = new Set<string>();
    for (const { specimen, history } of this.books.accounts())
      for (const record of history)
        if (record.kind === 'run' && record.outcome === 'succeeded') ran.add(`${specimen.name} ${record.tick}`);
    const unrecorded = [...seen].filter((start) => !ran.delete(start));
    const deadlines = new Map(this.specimens.map(({ name, deadlineMs }) => [name, deadlineMs]));
    const stale = this.starts.filter(({ task, tick, at }) => at - tick > deadlines.get(task)! + LATE_MS);
    return [
      ...stale.map(({ task, tick, at }) => `${task}: ${iso(tick)} starts after its deadline, at ${iso(at)}`),
      ...early.map(({ task, tick, at, node }) => `${task}: ${iso(tick)} starts early on ${node}, at ${iso(at)}`),
      ...twice.map(({ task, tick }) => `${task}: ${iso(tick)} starts twice`),
      ...unrecorded.map((start) => `${start} was started, and history does not say so`),
      ...[...ran].map((start) => `history says of ${start} that it ran`),
    ];
  }

  private promptProblems({ from, to }: { from: EpochMs; to: EpochMs }): string[] {
    const lateness = new Map(this.starts.map(({ task, tick, at }) => [`${task} ${tick}`, at - tick]));
    return this.books.accounts().flatMap(({ specimen: { name, kind }, anchor }) =>
      kind.ticks(Math.max(from, anchor), to - SECOND, anchor).flatMap((tick) => {
        const late = lateness.get(`${name} ${tick}`);
        if (late !== undefined && late <= PROMPT_MS) return [];
        return [`${name}: ${iso(tick)} ${late === undefined ? 'does not start' : `starts ${late} ms late`} in calm`];
      }),
    );
  }

  /** The time that whoever runs on this machine goes by; without a machine, the operator. */
  private timeOf(machine: Machine | undefined): EpochMs {
    return this.options.tells || !machine ? this.now() : Math.floor(machine.now());
  }

  private makeNode(): void {
    const { tells, curves } = this.options;
    const node: TestNode = this.cluster.makeNode({
      wrap: (registry) =>
        Object.assign(Object.create(registry) as Registry, {
          ...(!tells && { serverTime: undefined }),
          commit: (writes: Parameters<Registry['commit']>[0]) => {
            this.writer = machine;
            try {
              return registry.commit(writes);
            } finally {
              this.writer = undefined;
            }
          },
        }),
      handlers: {
        '*': ({ task, tick }) => {
          this.starts.push({ task, tick: tick!.getTime(), at: this.timeOf(machine), node: node.id });
        },
      },
    });
    const machine = new Machine(node);
    if (curves?.nodes) machine.curve = curves.nodes;
    this.machines.push(machine);
  }
}

/** Whether the registry tells the time: what it does, for the name of a test, and the option. */
export const TELLS = [
  ['tells the time', true],
  ['does not tell the time', false],
] as const;
