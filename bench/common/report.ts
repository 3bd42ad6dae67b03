/** What a scenario has measured: a report for the terminal, as JSON, and for docs/performance.md. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartOf, type Chart } from './chart.js';
import { machineFacts } from './machine.js';
import { Page } from './page.js';
import { short, type Spread } from './statistics.js';

export interface Report {
  /** As in `npm run bench -- <scenario>`. */
  readonly scenario: string;
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** What one must know to read the figures, a sentence or two each: versions, settings, where we lose and why. */
  readonly notes: readonly string[];
}

export interface Table {
  /** What is measured; units stand in the columns. */
  readonly title: string;
  readonly rows: readonly Row[];
  readonly chart?: Chart;
}

/** Cells by column; a figure over several rounds is shown as its median with its range. */
export type Row = Readonly<Record<string, Spread | number | string | undefined>>;

export interface Goal {
  /** As performance goals are set: `p99 late at 10,000 tasks ≤ 2 × the bare heap`. */
  readonly goal: string;
  /** The figures it is judged by. */
  readonly reached: string;
  readonly met: boolean;
  /** Where it is not met, the measured reason. */
  readonly because?: string;
}

type Written = Report & { readonly date: string; readonly machine: ReturnType<typeof machineFacts> };

const FOLDER = fileURLToPath(new URL('../../docs/performance/', import.meta.url));

/** Prints the report, or as JSON; with `write` puts tables, charts and goals into docs/performance.md. */
export async function publish(
  report: Report,
  { json, write }: { readonly json?: boolean | undefined; readonly write?: boolean | undefined },
): Promise<void> {
  const written: Written = { ...report, date: new Date().toISOString().slice(0, 10), machine: machineFacts() };
  if (json) console.log(JSON.stringify(written, undefined, 2));
  else print(written);
  if (write) await writePage(written);
}

function print({ machine, tables, goals, notes }: Written): void {
  console.log(machine);
  for (const { title, rows } of tables) {
    console.log(title);
    console.table(
      rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, shown(cell)]))),
    );
  }
  for (const note of notes) console.log(note);
  for (const { goal, reached, met, because } of goals) {
    console.log(`${met ? 'met' : 'NOT MET'}: ${goal}: ${reached}${because ? ` (${because})` : ''}`);
  }
}

async function writePage(written: Written): Promise<void> {
  const { scenario, tables, notes, date, machine } = written;
  const page = new Page('performance.md');
  page.read(scenario); // looked for before anything is written
  const parts: string[] = [];
  for (const [i, table] of tables.entries()) {
    parts.push(`**${table.title}**`);
    if (table.chart) {
      const file = `${scenario}${i === 0 ? '' : `-${i + 1}`}.svg`;
      writeFileSync(FOLDER + file, await chartOf(table.rows, table.chart));
      parts.push(`![${table.title}](performance/${file})`);
    }
    parts.push(markdownOf(table.rows));
  }
  const facts = `${machine.cores} cores, ${machine['memory GB']} GB, Node ${machine.node}, load ${machine['load before']}`;
  parts.push([...notes, `Measured on ${date}: ${facts}.`].join(' '));
  writeFileSync(`${FOLDER}${scenario}.json`, `${JSON.stringify(written, undefined, 2)}\n`);
  page.write({ [scenario]: parts.join('\n\n'), goals: goalsText() });
  console.error(`Written: docs/performance.md, ${scenario}`);
}

/** Of all scenarios that were ever written, each as it was measured last. */
function goalsText(): string {
  const reports = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(FOLDER + file, 'utf8')) as Written);
  const rows = reports.flatMap(({ scenario, goals }) =>
    goals.map(({ goal, reached, met, because }) => ({
      scenario,
      goal,
      reached,
      met: met ? 'yes' : `**no**${because ? `: ${because}` : ''}`,
    })),
  );
  return markdownOf(rows);
}

/** As a table of a page. */
export function markdownOf(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => shown(row[column]).replaceAll('|', '\\|')))),
  ].join('\n');
}

function shown(cell: Row[string]): string {
  if (cell === undefined) return '–';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return figure(cell);
  const { median, min, max } = cell;
  return min === max ? figure(median) : `${figure(median)} (${figure(min)}–${figure(max)})`;
}

const figure = (n: number): string => short(n).toLocaleString('en');
