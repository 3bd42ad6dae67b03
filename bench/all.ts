/**
 * npm run bench -- all [--write] [--only fire,spread]
 *
 * Every scenario of docs/performance.md, one after the other, each in a process of its own; this takes an hour and a half
 * on two cores. `--write` puts tables, charts and goals into the page. Ends with the goals that were not met.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Goal, Report } from './common/report.js';

const SCENARIOS = [
  ...['fire', 'spread', 'calls', 'through', 'register', 'cold'],
  ...['next', 'assign', 'takeover', 'rolling', 'observe', 'scale'],
];

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { write: { type: 'boolean', default: false }, only: { type: 'string', default: SCENARIOS.join(',') } },
});

const goals: (Goal & { scenario: string })[] = [];
for (const scenario of values.only.split(',')) {
  console.error(`${scenario} …`);
  const file = fileURLToPath(new URL(`${scenario}.ts`, import.meta.url));
  const args = [...process.execArgv, file, '--json', ...(values.write ? ['--write'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code === 0) {
    const report = JSON.parse(output) as Report;
    goals.push(...report.goals.map((goal) => ({ scenario, ...goal })));
  } else {
    console.error(`${scenario} failed with code ${code}`);
    process.exitCode = 1;
  }
}
console.table(goals);
console.log(`${goals.filter(({ met }) => met).length} of ${goals.length} goals met`);
