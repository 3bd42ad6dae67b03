import type { RunRecord } from '../../lib/core/common/run.js';
import { keys } from '../../lib/core/registry/keyspace.js';
import type { Handler } from '../../lib/core/execution/task-run.js';
import type { StaticTaskInput } from '../../lib/core/service/declarations.js';
import { decodeTask, type TaskDocument } from '../../lib/core/task/task-definition.js';
import { TestCluster, type TestNode } from '../../lib/testing/cluster/test-cluster.js';

export const EVERY_MS = 10_000;

/** One call of a handler. */
interface Call {
  task: string;
  node: string;
  tick: number;
  runId: string;
  at: number;
}

type Declared = Partial<Omit<StaticTaskInput, 'name' | 'run'>>;

/** Deploys of an application whose one task is called differently in each, and what becomes of its ticks. */
export class Renaming {
  readonly calls: Call[] = [];
  /** What a run does, besides being noted. */
  work: Handler = () => undefined;

  private constructor(readonly cluster: TestCluster) {}

  static async begin(): Promise<Renaming> {
    return new Renaming(await TestCluster.start({ nodes: 0 }));
  }

  get now(): number {
    return this.cluster.clock.now();
  }

  /** A node made but not started. Its task fires every ten seconds, none of its ticks may be left out. */
  async make(id: string, name: string, declared: Declared = {}, weight = 1): Promise<TestNode> {
    const node = this.cluster.makeNode({ id, options: { node: { weight } } });
    await node.service.defineTask({
      name,
      schedule: { cron: '*/10 * * * * *' },
      misfire: 'fire-all',
      recovery: 'rerun',
      overlap: 'allow',
      ...declared,
      run: (run) => {
        if (node.host.isCrashed) return new Promise(() => undefined); // the rest of the step in which it died
        this.calls.push({ task: run.task, node: id, tick: run.tick!.getTime(), runId: run.id, at: this.now });
        return this.work(run);
      },
    });
    return node;
  }

  async deploy(id: string, name: string, declared: Declared = {}, weight = 1): Promise<TestNode> {
    const node = await this.make(id, name, declared, weight);
    await this.cluster.settle([node]);
    return node;
  }

  async leave(node: TestNode): Promise<void> {
    await this.cluster.during(node.service.stop());
    this.cluster.nodes.splice(this.cluster.nodes.indexOf(node), 1);
  }

  document(name: string): TaskDocument | undefined {
    const entry = this.cluster.store.get(`test/${keys.task(name)}`);
    return entry && decodeTask(entry.value);
  }

  /** Keys of a kind that are about this task. */
  keysOf(name: string): string[] {
    return [keys.history(name), `${keys.units}${name}@`]
      .flatMap((prefix) => this.cluster.store.list(`test/${prefix}`, {}).entries)
      .map(({ key }) => key);
  }

  /** Under which names it ran, in order. */
  names(): string[] {
    return this.calls.map(({ task }) => task).filter((task, index, all) => task !== all[index - 1]);
  }

  /** Ticks that had another number of runs than one, of those that are long due. */
  problems(since: number): string[] {
    const problems: string[] = [];
    const first = Math.ceil((since + 1) / EVERY_MS) * EVERY_MS;
    for (let tick = first; tick <= this.now - EVERY_MS; tick += EVERY_MS) {
      const runs = new Set(this.calls.filter((call) => call.tick === tick).map(({ runId }) => runId));
      if (runs.size !== 1) problems.push(`tick ${(tick - first) / 1000} s had ${runs.size} runs`);
    }
    return problems;
  }

  /** What history has of it, latest first. */
  async records(node: TestNode, task: string): Promise<RunRecord[]> {
    const records = await this.cluster.during(node.service.listRuns({ task }));
    return records.filter((record): record is RunRecord => record.kind === 'run');
  }
}
