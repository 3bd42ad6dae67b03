import { wallClock } from './clock.js';
import { latestDue, modulo, periodMsOf, phaseMsOf, type Pace } from './pace.js';

/** Ticks due from `startMs` and before `endMs` are measured. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** Which ticks of the window a process has started, and how late. */
export class Ledger {
  private readonly periodMs: number;
  /** The most ticks of one task in a window. */
  private readonly rounds: number;
  private readonly starts: Uint8Array;
  private readonly lateness: number[] = [];

  constructor(
    private readonly tasks: number,
    private readonly pace: Pace,
    private readonly window: Window,
  ) {
    this.periodMs = periodMsOf(pace);
    this.rounds = Math.ceil((window.endMs - window.startMs) / this.periodMs);
    this.starts = new Uint8Array(tasks * this.rounds);
  }

  started(task: number, plannedMs?: number): void {
    const now = wallClock();
    const planned = plannedMs ?? latestDue(task, this.pace, now);
    const { startMs, endMs } = this.window;
    if (planned < startMs || planned >= endMs) return;
    this.starts[task * this.rounds + Math.floor((planned - startMs) / this.periodMs)]!++;
    this.lateness.push(now - planned);
  }

  /** Ticks of the window that are due at all. */
  planned(): number {
    let planned = 0;
    for (let task = 0; task < this.tasks; task++) planned += this.plannedOf(task);
    return planned;
  }

  /** Those that nobody has started, and starts beyond the first. */
  faults(): { missed: number; doubled: number } {
    let [missed, doubled] = [0, 0];
    for (let task = 0; task < this.tasks; task++) {
      for (let round = 0; round < this.plannedOf(task); round++) {
        const starts = this.starts[task * this.rounds + round]!;
        if (starts === 0) missed++;
        else doubled += starts - 1;
      }
    }
    return { missed, doubled };
  }

  latenesses(): readonly number[] {
    return this.lateness;
  }

  /** In a form that goes to another process. */
  pack(): PackedLedger {
    return { starts: base64(this.starts), lateness: base64(new Float64Array(this.lateness)) };
  }

  add({ starts, lateness }: PackedLedger): void {
    Buffer.from(starts, 'base64').forEach((count, i) => (this.starts[i]! += count));
    const bytes = Buffer.from(lateness, 'base64');
    for (let at = 0; at < bytes.length; at += 8) this.lateness.push(bytes.readDoubleLE(at));
  }

  private plannedOf(task: number): number {
    if (this.pace === 'never') return 0;
    const { startMs, endMs } = this.window;
    const first = startMs + modulo(phaseMsOf(task, this.pace) - startMs, this.periodMs);
    return Math.max(0, Math.ceil((endMs - first) / this.periodMs));
  }
}

export interface PackedLedger {
  readonly starts: string;
  readonly lateness: string;
}

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array | Float64Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');
