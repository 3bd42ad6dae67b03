import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import { DistributedScheduleError } from '../../lib/core/common/errors.js';
import type { TaskPolicies } from '../../lib/core/task/policies.js';
import type { Change, Registry } from '../../lib/core/registry/registry.js';
import { Checker } from '../../lib/testing/checker/checker.js';
import type { AnswerEntry, LogEntry, StartEntry } from '../../lib/testing/checker/log.js';
import { witnessed } from '../../lib/testing/checker/witness.js';
import type { Fate } from '../../lib/testing/cluster/link.js';
import { TestCluster, type TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { isUnitWrite, problemsOf, type Stretch } from './stepwise-verdict.js';

// A cluster, one task, and one node of whose steps each is counted: so that whatever can befall a node can befall it at
// every one of them. What happens is told to the checker, entry by entry.

const NAMESPACE = 'test/';
export const TASK = 'a';
/** Far enough apart for a standby. */
export const GAP_MS = 35_000;
const QUIET_MS = 120_000;
/** The last two ticks of the quiet time have to be on time. */
const CALM_MS = 2 * GAP_MS + 5_000;
/** Ticks that are younger than this at the end may be under way. */
const UNDER_WAY_MS = 5_000;

export interface Cast {
  nodes: number;
  recovery: 'none' | 'rerun';
  /** How long a handler takes. */
  runMs: number;
  /** What else is said of the task. */
  policies?: TaskPolicies;
  /** The runs of which something is special, by the number of their tick. */
  runs?: Readonly<Record<number, SpecialRun>>;
}

export interface SpecialRun {
  /** How long its first attempt takes. */
  ms?: number;
  /** How many of its attempts fail. */
  fails?: number;
  /** It is told to end for another one. */
  replaced?: true;
}

/** What befalls the node at a step: before it does what it was given control for. */
export const STEP_FAULTS = {
  crash: 'crash',
  'freeze for 3 s': 3_000,
  'freeze for 15 s, longer than its session': 15_000,
} as const;

/** What becomes of a call of the registry. A caller waits for one second. */
export const CALL_FAULTS = {
  'request lost': { at: 'request', fate: 'lost' },
  'reply lost': { at: 'reply', fate: 'lost' },
  'request late, applied after the caller gave up': { at: 'request', fate: { lateMs: 2_500 } },
  'request late, applied when all is over': { at: 'request', fate: { lateMs: 60_000 } },
  'request sent twice': { at: 'request', fate: { lateMs: 0, twiceAfterMs: 200 } },
  'request sent again long after': { at: 'request', fate: { lateMs: 0, twiceAfterMs: 4_000 } },
  'crash before the request': { at: 'request', fate: 'crash' },
  'crash before the reply': { at: 'reply', fate: 'crash' },
} as const satisfies Record<string, { at: 'request' | 'reply'; fate: Fate }>;

export type StepFault = keyof typeof STEP_FAULTS;
export type CallFault = keyof typeof CALL_FAULTS;

/** Which calls and which step something befalls, counted from 1. The step counts from when the calls have been met with. */
export interface Disturbance {
  calls?: Readonly<Record<number, CallFault>>;
  step?: { nth: number; fault: StepFault };
}

/** What the node did from when its steps began to count until `over`. */
export interface Made {
  steps: number;
  calls: number;
  /** Versions of the unit that it wrote. */
  versions: number;
}

export interface Watching {
  over(): Made;
}

/** The cluster of one play, and its log. */
export class Play {
  readonly log: LogEntry[] = [];
  /** How many faults have struck. */
  struck = 0;
  /** From when a halt was asked for until the task went on. */
  readonly halts: Stretch[] = [];
  private readonly checker = new Checker();
  private author: string | undefined;
  private lastToken = '0';
  private questions = 0;
  private since = 0;

  private constructor(
    readonly cluster: TestCluster,
    readonly cast: Cast,
  ) {
    cluster.store.watch('', (change) => this.hearStore(change));
  }

  /** All nodes work, the task has been added. */
  static async begin(cast: Cast): Promise<Play> {
    const cluster = await TestCluster.start({ nodes: 0 });
    const play = new Play(cluster, cast);
    for (let i = 1; i <= cast.nodes; i++) play.makeNode(`node-${i}`);
    await cluster.settle(cluster.nodes);
    const { recovery, policies } = cast;
    const schedule = { every: GAP_MS };
    await play.ask('addTask', cluster.node(0), ({ service }) =>
      service.addTask({ name: TASK, schedule, recovery, overlap: 'skip', ...policies }),
    );
    await cluster.advance(50);
    play.since = play.owner.service.nextTicks(TASK, 1)[0]!.getTime() - GAP_MS;
    return play;
  }

  get now(): number {
    return this.cluster.clock.now();
  }

  /** The n-th tick of the task. */
  tick(nth: number): number {
    return this.since + nth * GAP_MS;
  }

  get owner(): TestNode {
    return this.cluster.nodes.find(({ service }) => service.listOwnTasks().length === 1)!;
  }

  node(id: string): TestNode {
    return this.cluster.nodes.find((node) => node.id === id)!;
  }

  async until(instant: number): Promise<void> {
    await this.cluster.advance(instant - this.now);
  }

  kill(node: TestNode): void {
    this.tell({ type: 'fault', at: this.now, what: 'kill', process: node.id });
    this.cluster.crash(node);
  }

  freeze({ id, host }: TestNode, forMs: number): void {
    this.tell({ type: 'fault', at: this.now, what: 'freeze', process: id });
    host.freeze();
    this.cluster.clock.setTimer(forMs, () => {
      host.unfreeze();
      this.tell({ type: 'heal', at: this.now, what: 'freeze', process: id });
    });
  }

  /** Asks for a change. @returns how it was answered, and when; nothing where it never was */
  async ask(
    what: string,
    node: TestNode,
    work: (node: TestNode) => Promise<unknown>,
    limitMs = 30_000,
  ): Promise<AnswerEntry | undefined> {
    const id = ++this.questions;
    let answer: AnswerEntry | undefined;
    this.tell({ type: 'ask', at: this.now, id, process: node.id, what, task: TASK });
    const answered = (how: AnswerEntry['how']): void => {
      if (!node.host.isCrashed) this.tell((answer = { type: 'answer', at: this.now, id, how }));
    };
    work(node).then(
      () => answered('done'),
      (error: unknown) => answered(isRefusal(error) ? 'refused' : 'unknown'),
    );
    const until = this.now + limitMs;
    while (!answer && !node.host.isCrashed && this.now < until) await this.cluster.advance(10);
    return answer;
  }

  /** From now on the node's steps and calls count, and what is to befall it does. */
  disturb(node: TestNode, { calls = {}, step }: Disturbance): Watching {
    const { host } = node;
    const before = { steps: host.steps, calls: host.calls, log: this.log.length };
    const awaited = new Set(Object.keys(calls).map((nth) => before.calls + Number(nth)));
    let steps = 0;
    host.fate = (call, at) => {
      const fault = calls[call - before.calls];
      if (fault === undefined || CALL_FAULTS[fault].at !== at) return 'passes';
      this.struck++;
      awaited.delete(call);
      const { fate } = CALL_FAULTS[fault];
      if (fate === 'crash') this.kill(node);
      return fate;
    };
    host.onStep = () => {
      if (!step || awaited.size > 0 || ++steps !== step.nth) return;
      this.struck++;
      const what = STEP_FAULTS[step.fault];
      if (what === 'crash') this.kill(node);
      else this.freeze(node, what);
    };
    return {
      over: () => {
        host.fate = undefined;
        host.onStep = undefined;
        const told = this.log.slice(before.log);
        const versions = told.filter((entry) => isUnitWrite(entry) && entry.process === node.id).length;
        return { steps: host.steps - before.steps, calls: host.calls - before.calls, versions };
      },
    };
  }

  /** The ticks of which everything has come about by now. */
  private dueTicks(): number[] {
    const due: number[] = [];
    for (let nth = 1; this.tick(nth) <= this.now - UNDER_WAY_MS; nth++) due.push(this.tick(nth));
    return due;
  }

  /** Two quiet minutes. @returns everything that is wrong in the end */
  async end({ mayLose = false } = {}): Promise<string[]> {
    await this.cluster.advance(QUIET_MS);
    this.checker.finish({ now: this.now, calmSince: this.now - CALM_MS });
    const problems = [
      ...this.checker.violations.map(({ rule, message }) => `${rule}: ${message}`),
      ...problemsOf({
        log: this.log,
        history: this.cluster.store.list(`${NAMESPACE}history/`, {}).entries.map(({ value }) => value),
        due: this.dueTicks(),
        halts: this.halts,
        replaced: Object.entries(this.cast.runs ?? {}).flatMap(([nth, run]) =>
          run.replaced ? [this.tick(Number(nth))] : [],
        ),
        mayLose: mayLose && this.cast.recovery === 'none',
      }),
    ];
    await this.cluster.stop();
    return problems;
  }

  /** Calls of handlers for one tick. */
  startsOf(tick: number): StartEntry[] {
    return this.log.filter((entry): entry is StartEntry => entry.type === 'start' && entry.tick === tick);
  }

  private tell(entry: LogEntry): void {
    this.log.push(entry);
    this.checker.take(entry);
  }

  private makeNode(id: string): void {
    const work = witnessed((run) => this.work(node, run), {
      process: id,
      tell: (entry) => this.tell(entry),
      now: () => this.now,
    });
    // a crash in the middle of a step leaves the rest of that step to run: its handlers must not
    const handler: Handler = (run) => (node.host.isCrashed ? new Promise(() => undefined) : work(run));
    const node = this.cluster.makeNode({
      id,
      wrap: (registry) => this.signed(registry, id),
      handlers: { '*': handler },
    });
  }

  /** Takes its time on the node's own clock, and ends early when it is told to. */
  private work({ host }: TestNode, { signal, tick, attempt }: TaskRun): Promise<void> | undefined {
    const nth = tick ? (tick.getTime() - this.since) / GAP_MS : 0;
    const { ms = this.cast.runMs, fails = 0 } = this.cast.runs?.[nth] ?? {};
    const runMs = attempt === 1 ? ms : this.cast.runMs;
    if (attempt <= fails) throw new Error('the handler failed');
    if (runMs === 0) return undefined;
    return new Promise((resolve, reject) => {
      host.clock.setTimer(runMs, resolve);
      signal.addEventListener('abort', () => reject(new Error('told to end')), { once: true });
    });
  }

  /** The registry as one process uses it: what is written while it is called was written by that process. */
  private signed(registry: Registry, process: string): Registry {
    const commit: Registry['commit'] = (writes) => {
      this.author = process;
      try {
        return registry.commit(writes); // the memory registry is done when it returns
      } finally {
        this.author = undefined;
      }
    };
    return Object.assign(Object.create(registry) as Registry, { commit });
  }

  private hearStore(change: Change): void {
    if (change.type === 'resync') return;
    const { key, value } = change.type === 'put' ? change.entry : { key: change.key, value: undefined };
    if (change.type === 'put') this.lastToken = String(change.entry.token);
    this.tell({
      type: 'write',
      at: this.now,
      key: key.slice(NAMESPACE.length),
      token: this.lastToken,
      ...(value !== undefined && { value }),
      ...(this.author !== undefined && { process: this.author }),
    });
  }
}

const UNANSWERED = new Set(['REGISTRY_UNAVAILABLE', 'CLAIM_CONFLICT']);

function isRefusal(error: unknown): boolean {
  return error instanceof DistributedScheduleError && !UNANSWERED.has(error.code);
}
