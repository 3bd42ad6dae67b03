import { writeSync } from 'node:fs';

/** What a worker tells the program that started it. */
export type Report =
  | { type: 'run'; task: string; tick: number; trigger: string; at: number }
  | { type: 'owns'; tasks: string[] }
  | { type: 'log'; message: string };

/** One line of JSON on standard output. */
export function report(what: Report): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}
