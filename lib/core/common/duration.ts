import { DistributedScheduleError } from './errors.js';
import { show } from './show.js';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A length of time: a number of milliseconds, or a number with a unit: `'250ms'`, `'30s'`, `'5m'`, `'1.5h'`, `'1d'`, `'2w'`. */
export type Duration = number | `${number}${keyof typeof UNITS}`;

const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** The duration in whole milliseconds, or `undefined` where the value is none. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;
  const match = typeof value === 'string' ? PATTERN.exec(value) : null;
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** @throws DistributedScheduleError `INVALID_OPTIONS` naming `path` where the value is no duration. */
export function requireDuration(value: unknown, path: string): number {
  const ms = parseDuration(value);
  if (ms === undefined) throw new DistributedScheduleError('INVALID_OPTIONS', durationProblem(value, path));
  return ms;
}

export function durationProblem(value: unknown, path: string): string {
  return `${path}: ${show(value)} is not a duration; give milliseconds or a number with ms, s, m, h, d or w, as '30s'`;
}

/** A wait as messages tell it, rounded to what matters: `996` → `'996 ms'`, `5_400_000` → `'1.5 h'`, `3_456_000_000` → `'40 d'`. */
export function tellDuration(ms: number): string {
  for (const [unit, name] of [
    ['d', 'd'],
    ['h', 'h'],
    ['m', 'min'],
    ['s', 's'],
  ] as const) {
    const count = ms / UNITS[unit];
    if (count >= 1) return `${count < 10 ? Math.round(count * 10) / 10 : Math.round(count)} ${name}`;
  }
  return `${Math.round(ms)} ms`;
}

/** As a duration that may be given: `90000` → `'1.5m'`. */
export function formatDuration(ms: number): string {
  for (const unit of ['w', 'd', 'h', 'm', 's'] as const) {
    if (ms >= UNITS[unit]) return `${Math.round((ms / UNITS[unit]) * 100) / 100}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}
