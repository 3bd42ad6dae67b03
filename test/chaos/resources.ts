import type { ChaosCluster } from './cluster.js';
import { counts } from './figures.js';

/** A process allocates what it needs for its work before this; only what comes later tells whether it grows. */
const WARM_UP_MS = 60_000;

interface Sample {
  /** Since the process was started, in hours. */
  hours: number;
  rssMiB: number;
  /** Runs that are going on have timers: of several samples the lowest tells what stays open. */
  handles: number;
}

/** What the processes and the registry hold, watched over time: what only grows is a leak. */
export class Resources {
  private readonly samples = new Map<string, Sample[]>();
  private documentsBefore?: Map<string, number>;

  constructor(private readonly cluster: ChaosCluster) {}

  /** Looks at every node that answers. */
  async sample(): Promise<void> {
    await Promise.all(
      [...this.cluster.nodes.values()].map(async (node) => {
        const livedMs = Date.now() - node.startedAt;
        const status = livedMs > WARM_UP_MS ? await node.status() : undefined;
        if (!status) return;
        const { rssMiB, handles } = status;
        const known = this.samples.get(node.name) ?? [];
        this.samples.set(node.name, [...known, { hours: livedMs / 3_600_000, rssMiB, handles }]);
      }),
    );
  }

  /** From here on the documents are expected not to become more. */
  async countDocuments(): Promise<Map<string, number>> {
    const kinds = new Map<string, number>();
    for (const { key } of await this.cluster.documents('')) {
      const [kind] = key.split('/', 1);
      kinds.set(kind!, (kinds.get(kind!) ?? 0) + 1);
    }
    this.documentsBefore ??= kinds;
    return kinds;
  }

  /** For people; of processes that were watched for so long at least. */
  async describe(watchedMs: number): Promise<string[]> {
    const old = [...this.samples].filter(([, samples]) => spanOf(samples) * 3_600_000 >= watchedMs);
    const documents = await this.countDocuments();
    return [
      ...old.map(([name, samples]) => {
        const [first, last] = [samples[0]!, samples.at(-1)!];
        const third = Math.ceil(samples.length / 3);
        const handles = [samples.slice(0, third), samples.slice(-third)].map((some) =>
          Math.min(...some.map((s) => s.handles)),
        );
        const slope = slopeOf(samples).toFixed(1);
        const memory = `${first.rssMiB.toFixed(0)} → ${last.rssMiB.toFixed(0)} MiB, ${slope} MiB/h over ${(spanOf(samples) * 60).toFixed(0)} min`;
        return `process ${name}: RSS ${memory}; open handles ${handles.join(' → ')}`;
      }),
      ...(old.length === 0 ? ['no process lived long enough to tell how it grows'] : []),
      `registry keys ${total(this.documentsBefore!)} → ${total(documents)}: ${counts(documents)}`,
    ];
  }
}

const total = (kinds: ReadonlyMap<string, number>): number =>
  [...kinds.values()].reduce((sum, count) => sum + count, 0);
const spanOf = (samples: readonly Sample[]): number => samples.at(-1)!.hours - samples[0]!.hours;

/** MiB per hour, by the line that fits best. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, s) => sum + of(s), 0) / samples.length;
  const [hours, rss] = [mean((s) => s.hours), mean((s) => s.rssMiB)];
  const spread = mean((s) => (s.hours - hours) ** 2);
  return spread === 0 ? 0 : mean((s) => (s.hours - hours) * (s.rssMiB - rss)) / spread;
}
