import { styleText } from 'node:util';
import type { Start } from './ledger.js';

type Style = Parameters<typeof styleText>[0];

export const NODES = ['cyan', 'magenta', 'yellow'] as const;
const LANE = 14;

/** A line per tick, in the lane of the node that ran it. The time is that of the run; the tick was so much earlier as it is late. */
export class Screen {
  title(text: string): void {
    console.log(`\n${styleText('bold', text)}\n`);
  }

  row(cells: readonly string[], widths: readonly number[], style?: Style): void {
    const line = cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
    console.log(`  ${style ? styleText(style, line) : line}`);
  }

  lanes(): void {
    const names = NODES.map((name) => styleText('bold', styleText(name, name.padEnd(LANE)))).join('');
    console.log(`\n  ${dim('time'.padEnd(10))}${names}${dim('late')}`);
  }

  tick({ task, tick, at, node }: Start, remark: string): void {
    const lanes = NODES.map((name) => (name === node ? styleText(name, task.padEnd(LANE)) : dim('·'.padEnd(LANE))));
    const late = lateness(at - tick);
    console.log(`  ${clock(at)}  ${lanes.join('')}${at - tick < 1_000 ? dim(late) : late}${remark && `  ${remark}`}`);
  }

  hint(text: string): void {
    console.log(dim(`\n  ${text}`));
  }

  /** Something happened to the cluster. */
  event(text: string, style: Style = 'bold'): void {
    console.log(`  ${clock(Date.now())}  ${styleText(style, text)}`);
  }

  note(text: string): void {
    console.log(dim(`  ${clock(Date.now())}  ${text}`));
  }
}

export const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8);

export const lateness = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`);

const dim = (text: string): string => styleText('dim', text);
