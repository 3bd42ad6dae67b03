import type { UnitChange } from './unit-change.js';

type Told = Map<number, bigint>;

/** Which ticks the registry knows to have succeeded: put together from the ends of runs, beside the unit's own ledger. */
export class Successes {
  /** By unit and tick: the token of the version that told of it first. */
  private readonly known = new Map<string, Told>();
  /** The same of all that was ever told: a registry that is restored knows it again as far as it goes back. */
  private readonly everTold = new Map<string, Told>();

  has(unitKey: string, tick: number): boolean {
    return this.known.get(unitKey)?.has(tick) ?? false;
  }

  /** The token of the version of the unit that told of it first. */
  toldAt(unitKey: string, tick: number): bigint | undefined {
    return this.known.get(unitKey)?.get(tick);
  }

  take({ key, before, after, entry }: UnitChange): void {
    const token = BigInt(entry.token);
    if (!after) this.known.delete(key);
    else if (entry.restored) {
      const kept = [...(this.everTold.get(key) ?? [])].filter(([, told]) => told <= token);
      for (const all of [this.known, this.everTold]) all.set(key, new Map(kept));
    }
    if (!before || !after || after.last?.outcome !== 'succeeded') return;
    const { id } = after.last;
    const tick = after.runs.some((run) => run.id === id) ? undefined : before.runs.find((run) => run.id === id)?.tick;
    if (tick !== undefined) for (const all of [this.known, this.everTold]) note(all, key, tick, token);
  }

  /** The registry has lost its data; what it still holds is told next. */
  lose(): void {
    this.known.clear();
  }
}

function note(all: Map<string, Told>, key: string, tick: number, token: bigint): void {
  const ticks: Told = all.get(key) ?? new Map();
  if (!ticks.has(tick)) all.set(key, ticks.set(tick, token));
}
