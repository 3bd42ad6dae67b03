import type { Clock } from '../common/clock.js';
import { keptJson } from '../common/json.js';
import type { RunLogLine, RunProgress } from '../common/run.js';

/** The record of a run keeps so much of what it said: the end, where most often the reason is. */
export const MAX_LOG_LINES = 100;
export const MAX_LOG_BYTES = 8 * 1024;
const MAX_MESSAGE = 500;
const MAX_NOTE = 200;

/** What a run tells of itself while it goes on: its lines and how far it is. */
export class RunNotes {
  private readonly lines: { line: RunLogLine; bytes: number }[] = [];
  private bytes = 0;
  private dropped = 0;
  private latest?: RunProgress;

  constructor(private readonly clock: Clock) {}

  log(message: string, data?: unknown): RunLogLine {
    const line: RunLogLine = { at: this.clock.now(), message: cut(message, MAX_MESSAGE) };
    if (data !== undefined) line.data = keptJson(plain(data), MAX_LOG_BYTES / 4);
    const bytes = Buffer.byteLength(JSON.stringify(line));
    this.lines.push({ line, bytes });
    this.bytes += bytes;
    while (this.lines.length > MAX_LOG_LINES || this.bytes > MAX_LOG_BYTES) {
      this.bytes -= this.lines.shift()!.bytes;
      this.dropped++;
    }
    return line;
  }

  progress(percent: number, note?: string): RunProgress {
    const said = Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : (this.latest?.percent ?? 0);
    this.latest = { at: this.clock.now(), percent: Math.round(said * 10) / 10 };
    if (note !== undefined) this.latest.note = cut(note, MAX_NOTE);
    return this.latest;
  }

  /** For the record of the run. */
  all(): { logs?: RunLogLine[]; logsDropped?: number; progress?: RunProgress } | undefined {
    if (this.lines.length === 0 && !this.latest) return undefined;
    return {
      ...(this.lines.length > 0 && { logs: this.lines.map(({ line }) => line) }),
      ...(this.dropped > 0 && { logsDropped: this.dropped }),
      ...(this.latest && { progress: this.latest }),
    };
  }
}

function cut(said: unknown, length: number): string {
  const whole = textOf(said);
  return whole.length > length ? `${whole.slice(0, length)}…` : whole;
}

/** Whoever gives an object in place of a text wants to see what is in it. */
function textOf(said: unknown): string {
  if (said === null || typeof said !== 'object' || said instanceof Error) return String(said);
  const kept = keptJson(said, Infinity);
  return typeof kept === 'string' ? kept : JSON.stringify(kept);
}

function plain(data: unknown): unknown {
  return data instanceof Error ? { name: data.name, message: data.message } : data;
}
