import type { BenchClient } from './client.js';
import { quantile } from '../common/statistics.js';

/** How many units one side has. More than are ever in flight, so that no two claims at a time are of the same one. */
const UNITS = 2_000;
const BATCH = 500;
const FILLER = 'x'.repeat(190);

interface Unit {
  readonly key: string;
  revision: string | undefined;
}

export type Figures = Record<string, number>;

/** One side of the comparison with the units that it alone claims. */
export class Side {
  private readonly units: Unit[];
  private written = 0;

  /** Sides with the same client share their units. */
  constructor(
    readonly name: string,
    private readonly client: BenchClient,
    units?: Side,
  ) {
    const own = Array.from({ length: UNITS }, (_, i) => ({ key: `units/bench-${i}@1`, revision: undefined }));
    this.units = units?.units ?? own;
  }

  /** Claims each unit for the first time. */
  async prepare(): Promise<void> {
    for (let at = 0; at < UNITS; at += BATCH) await this.claimBatch(at);
  }

  /** So many loops for so long, each with one claim under way. */
  async claims(inFlight: number, forMs: number): Promise<Figures> {
    const latencies: number[] = [];
    const started = performance.now();
    const cpu = process.cpuUsage();
    const loop = async (first: number): Promise<void> => {
      for (let at = first; performance.now() - started < forMs; at = (at + inFlight) % (UNITS - (UNITS % inFlight))) {
        const unit = this.units[at]!;
        const asked = performance.now();
        unit.revision = await this.client.claim({ ...unit, value: this.value() });
        latencies.push(performance.now() - asked);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, (_, first) => loop(first)));
    const seconds = (performance.now() - started) / 1_000;
    return {
      'claims/s': latencies.length / seconds,
      'p50 ms': quantile(latencies, 0.5),
      'p99 ms': quantile(latencies, 0.99),
      'CPU µs': cpuMicros(cpu) / latencies.length,
    };
  }

  /** Batch after batch for so long. */
  async batches(forMs: number): Promise<Figures> {
    const started = performance.now();
    const cpu = process.cpuUsage();
    let done = 0;
    for (; performance.now() - started < forMs; done += BATCH) await this.claimBatch(done % UNITS);
    const seconds = (performance.now() - started) / 1_000;
    return { 'claims/s': done / seconds, 'CPU µs': cpuMicros(cpu) / done };
  }

  private async claimBatch(at: number): Promise<void> {
    const batch = this.units.slice(at, at + BATCH);
    const revisions = await this.client.claimAll(batch.map((unit) => ({ ...unit, value: this.value() })));
    batch.forEach((unit, i) => (unit.revision = revisions[i]!));
  }

  private value(): string {
    return `${FILLER}${++this.written}`;
  }
}

function cpuMicros(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}
