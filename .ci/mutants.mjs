// npm run test:mutants [-- <name> …] [-- options]: whether the simulation notices deliberate bugs.
// Each bug of test/mutants/list is made alone in a copy of the tree, and the simulation is run on the copy until a rule
// is broken. A bug that survives all seeds is a hole in the rules or in the faults, and fails the run.
//
//   <name>        only mutants whose name contains it
//   --seeds N     how many seeds a mutant has to be found in   @default 500
//   --lanes N     how many mutants at once                     @default 2
//   --open        those that are known to be missed so far, instead of the others
//   --check       only whether each mutant still applies
import { parseArgs } from 'node:util';
import { mutants } from '../test/mutants/mutants.mjs';
import { endSimulations, holds, simulate } from '../test/mutants/simulate.mjs';
import { mutatedFiles, Workbench } from '../test/mutants/workbench.mjs';
import { bootstrap } from './bootstrap.mjs';
import { passOnTermination, root } from './process.mjs';

/** So long a single mutant may take: it may make the simulation go round in circles. */
const TIMEOUT_MS = 400_000;

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '500' },
    lanes: { type: 'string', default: '2' },
    open: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
const seeds = Number(given.seeds);
const chosen = mutants
  .filter(({ open }) => (open !== undefined) === given.open)
  .filter(({ name }) => positionals.every((part) => name.includes(part)));

const misfits = misfitsOf(mutants);
for (const message of misfits) console.error(message);
if (misfits.length > 0) process.exitCode = 1;
else if (given.check) console.log(`${mutants.length} mutants, all of them apply.`);
else if (chosen.length === 0) {
  console.error(
    `No mutant is named like "${positionals.join(' ')}". There are:\n  ${mutants.map(({ name }) => name).join('\n  ')}`,
  );
  process.exitCode = 1;
} else {
  await bootstrap();
  await hunt();
}

/** What is wrong with the list: a mutant that does not fit the tree any more proves nothing. */
function misfitsOf(all) {
  const names = all.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const problems = twice.map((name) => `Two mutants are named "${name}".`);
  for (const mutant of all) {
    try {
      mutatedFiles(root, mutant);
    } catch (error) {
      problems.push(error.message);
    }
  }
  return problems;
}

async function hunt() {
  const benches = [];
  const cleanUp = () => {
    endSimulations();
    for (const bench of benches.splice(0)) bench.dispose();
  };
  process.on('exit', cleanUp);
  process.on('SIGINT', () => process.exit(130));
  passOnTermination(() => process.exit(143));

  const clean = new Workbench(root);
  benches.push(clean);
  const passesClean = remember((seed) => holds(clean.path, seed, { timeoutMs: TIMEOUT_MS }));
  const waiting = [...chosen];
  const rows = [];
  printRow('mutant', 'caught by', 'seed', 'of', 'seconds');
  const lane = async () => {
    const bench = new Workbench(root);
    benches.push(bench);
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const verdict = await judge(mutant, bench, passesClean);
      rows.push(verdict);
      show(mutant, verdict);
    }
  };
  await Promise.all(Array.from({ length: Number(given.lanes) }, lane));
  sum(rows);
}

/** A rule that is broken by the same seed without the bug says nothing about the bug. */
async function judge(mutant, bench, passesClean) {
  const mend = bench.apply(mutant);
  try {
    const verdict = await simulate(bench.path, { seeds, timeoutMs: TIMEOUT_MS });
    if (verdict.how !== 'caught' || (await passesClean(verdict.seed))) return verdict;
    return { ...verdict, how: 'broken', why: `seed ${verdict.seed} fails without the bug` };
  } finally {
    mend();
  }
}

/** The same question is asked once. */
function remember(ask) {
  const answers = new Map();
  return (key) => {
    if (!answers.has(key)) answers.set(key, ask(key));
    return answers.get(key);
  };
}

function show({ name, breaks, rules, open }, { how, rule, seed, seeds: ran, seconds, why }) {
  const by = how === 'caught' ? rule : how.toUpperCase();
  printRow(name, by, seed ?? '', ran, seconds.toFixed(1));
  if (how === 'caught' && !rules.includes(rule)) console.log(`    expected of ${rules.join(' or ')}`);
  if (how === 'survived') console.log(`    nobody noticed: ${breaks}`);
  if (how === 'survived' && open) console.log(`    it would take: ${open}`);
  if (how === 'broken') console.log(`    ${why.replaceAll('\n', '\n    ')}`);
}

function printRow(name, rule, ...figures) {
  console.log(name.padEnd(32) + rule.padEnd(16) + figures.map((figure) => String(figure).padStart(8)).join(''));
}

function sum(rows) {
  const caught = rows.filter(({ how }) => how === 'caught');
  const sorted = caught.map(({ seeds: ran }) => ran).sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  console.log(`\n${caught.length} of ${rows.length} caught, median ${median} seeds`);
  process.exitCode = caught.length === rows.length ? 0 : 1;
}
