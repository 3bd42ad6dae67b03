/** The tables of docs/daylight-saving.md, as text. What stands in our own columns is computed anew by its test. */
import type { DstPolicy } from '../../lib/core/schedule/zone/dst.js';
import { changes, type ClockChange, type Runs } from './changes.js';
import { faultsOf } from './faults.js';
import { clock, date, jumpBetween, localTime, offsetText } from './local-time.js';
import { firedByUs } from './ours.js';

/** What somebody fires, by change, in their order, and by expression. */
export interface Column {
  readonly title: string;
  readonly runs: readonly ReadonlyMap<string, Runs>[];
}

const NOTHING = '–';

export const ours: Column = {
  title: 'ours, by default',
  runs: changes.map(
    (change) => new Map(change.expressions.map((expression) => [expression, { at: firedByUs(expression, change) }])),
  ),
};

/** `Sun 9 March 2025: at 02:00 (−5) the clock jumps to 03:00 (−4)` */
export function titleOf({ place, zone, from, to }: ClockChange): string {
  const { at, before, after } = jumpBetween(zone, from, to);
  const [day, newDay] = [date(at + before), date(at + after)];
  const target = `${clock(at + after)} (${offsetText(after)})${day === newDay ? '' : ` of ${newDay}`}`;
  const verb = after > before ? 'jumps' : 'goes back';
  return `${place}, ${day}: at ${clock(at + before)} (${offsetText(before)}) the clock ${verb} to ${target}`;
}

/** `01:00, 01:30 (−5) · 03:00 (−4)`, with days where there are several. */
export function runsText({ zone, from, to }: Pick<ClockChange, 'zone' | 'from' | 'to'>, at: readonly number[]): string {
  const dayOf = (instant: number): string => date(localTime(zone, instant).wall).slice(0, 3);
  const hasDays = dayOf(from) !== dayOf(to - 1);
  const groups: { offset: number; day: string; times: string[] }[] = [];
  for (const instant of at) {
    const { wall, offset } = localTime(zone, instant);
    const [day, time] = [dayOf(instant), clock(wall)];
    const group = groups.at(-1);
    if (group?.offset === offset && group.day === day) group.times.push(time);
    else groups.push({ offset, day, times: [time] });
  }
  if (groups.length === 0) return NOTHING;
  return groups
    .map(({ offset, day, times }) => `${hasDays ? `${day} ` : ''}${counted(times).join(', ')} (${offsetText(offset)})`)
    .join(' · ');
}

/** `03:00 × 3` for three runs at once. */
const counted = (times: readonly string[]): string[] =>
  [...new Set(times)].map((time) => {
    const count = times.filter((other) => other === time).length;
    return count === 1 ? time : `${time} × ${count}`;
  });

/** What each fires on each change; `same` is what we do, and `✗` says what is wrong with it. */
export function changesText(columns: readonly Column[]): string {
  return changes
    .map((change, i) => {
      const rows = change.expressions.map((expression) => {
        const own = ours.runs[i]!.get(expression)!;
        const others = columns.map(({ runs }) => cellOf(expression, change, runs[i]!.get(expression)!, own));
        return [`\`${expression}\``, runsText(change, own.at), ...others];
      });
      const head = ['', ours.title, ...columns.map(({ title }) => title)];
      return [`### ${titleOf(change)}`, ...(change.about ? [change.about] : []), tableText(head, rows)].join('\n\n');
    })
    .join('\n\n');
}

function cellOf(expression: string, change: ClockChange, theirs: Runs, own: Runs): string {
  const faults = faultsOf(expression, change, theirs);
  const isSame = theirs.at.join() === own.at.join() && theirs.failed === undefined;
  const text = isSame ? 'same' : runsText(change, theirs.at);
  return faults.length === 0 ? text : `${text} **✗ ${faults.join('; ')}**`;
}

const GAPS = ['shift', 'skip'] as const;
const OVERLAPS = ['first', 'second', 'both'] as const;

/** What the six policies do where New York changes its clocks. */
export function policiesText(): string {
  const [spring, autumn] = changes as [ClockChange, ClockChange];
  const examples: [string, ClockChange][] = [
    ['30 2 * * *', spring],
    ['0,30 1-3 * * *', spring],
    ['30 1 * * *', autumn],
    ['0,30 1-3 * * *', autumn],
  ];
  const rows = GAPS.flatMap((gap) =>
    OVERLAPS.map((overlap) => {
      const dst: DstPolicy = { gap, overlap };
      const cells = examples.map(([expression, change]) => runsText(change, firedByUs(expression, change, dst)));
      return [`\`{ gap: '${gap}', overlap: '${overlap}' }\``, ...cells];
    }),
  );
  const dayOf = (change: ClockChange): string =>
    date(localTime(change.zone, change.from).wall).replace(/^\w+ | \d+$/g, '');
  return tableText(['`dst`', ...examples.map(([text, change]) => `\`${text}\` on ${dayOf(change)}`)], rows);
}

export const tableText = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`.replace('|  |', '| |')).join('\n');
