// npm test: every layer in order; npm run test:<layer> [-- filter]: one of them. The last line is the sum of all.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrap, installIn } from './bootstrap.mjs';
import { lint } from './lint.mjs';
import { passOnTermination, root, runNode, start } from './process.mjs';

/** Real ones that the tests run on: `npm run servers` has them all. */
const registries = ['redis', 'etcd', 'zookeeper', 'consul'];

const layers = [
  { name: 'lint', run: runLint },
  { name: 'unit', folder: 'test/unit' },
  { name: 'conformance', folder: 'test/conformance', servers: [...registries, 'postgres'] },
  { name: 'cluster', folder: 'test/cluster' },
  { name: 'simulation', run: runSimulation },
  { name: 'module', folder: 'test/module', run: runModule },
  { name: 'chaos', folder: 'test/chaos', servers: registries },
  { name: 'package', folder: 'test/package' },
];

/** What the module is tested on: the variables are for jest.config.ts and test/module/platform.ts. */
const stacks = ['12', '11'].flatMap((NEST) => ['express', 'fastify'].map((PLATFORM) => ({ NEST, PLATFORM })));

/** A run whose tests are done but which does not end has left something open. */
const lingerMs = 20_000;

const scratch = mkdtempSync(join(tmpdir(), 'distributed-schedule-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const [only, ...filter] = process.argv.slice(2);
const chosen = layers.filter(({ name, folder }) => (only ? name === only : !folder || hasSpecs(folder)));
if (chosen.length === 0) {
  console.error(`There is no layer "${only}". Layers: ${layers.map(({ name }) => name).join(', ')}.`);
  process.exit(1);
}

passOnTermination(() => process.exit(143));
await bootstrap();
const rows = [];
for (const layer of chosen) {
  console.log(`\n=== ${layer.name} ===`);
  const started = performance.now();
  const counts = await (layer.run ?? runJest)(layer);
  rows.push({ name: layer.name, ...counts, seconds: (performance.now() - started) / 1000 });
}
report(rows);

async function runLint() {
  const ok = await lint();
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** The same tests on each version of Nest and each HTTP platform, and the types of Nest 11. */
async function runModule(layer) {
  await installIn('test/nest-11', 'Nest 11');
  const parts = [];
  for (const stack of stacks) {
    console.log(`\n--- Nest ${stack.NEST} on ${stack.PLATFORM} ---`);
    parts.push(await runJest(layer, stack));
  }
  const { code } = await runNode(['node_modules/@typescript/native/bin/tsc', '-p', 'test/nest-11/tsconfig.json']);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} types of Nest 11`);
  parts.push({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

async function runJest({ folder, servers = [] }, env = {}) {
  if (!hasSpecs(folder)) {
    console.error(`${folder} holds no *.spec.ts file.`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // Fetched here, where it can say so, and not in a test's time. If it fails, the tests say what was tried.
  if (servers.length > 0) await runNode(['.ci/servers.mjs', 'fetch', ...servers]);
  const output = join(scratch, `${[folder.replace('/', '-'), ...Object.values(env)].join('-')}.json`);
  const args = [`--roots=${folder}`, '--json', `--outputFile=${output}`, ...filter];
  const { code, lingered } = await jest(args, output, env);
  return count(output, code, lingered);
}

function jest(args, output, env) {
  return new Promise((resolve) => {
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const child = start(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...args], {
      // With --json, standard output is for the machine; people read the reporter on standard error.
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    });
    let lingered = false;
    let doneAt;
    const watch = setInterval(() => {
      if (existsSync(output)) doneAt ??= performance.now();
      if (doneAt === undefined || performance.now() - doneAt < lingerMs) return;
      lingered = true;
      console.error('The tests are done, but something they left open keeps the process alive. It was ended.');
      child.kill('SIGKILL');
    }, 1000);
    child.on('close', (code) => {
      clearInterval(watch);
      resolve({ code: code ?? 1, lingered });
    });
  });
}

/** A seed is a test. Filters are the simulation's own options: `-- --seed 123`. */
function runSimulation() {
  return new Promise((resolve) => {
    const flags = ['--import', '@swc-node/register/esm-register'];
    const args = [...flags, 'test/simulation/main.ts', ...(only ? filter : [])];
    const child = start(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { SWC_NODE_PROJECT: 'tsconfig.json' },
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      text += chunk;
    });
    child.on('close', (code) => {
      const [, passed = 0, failed = 0] = /(\d+) passed, (\d+) failed\s*$/.exec(text)?.map(Number) ?? [];
      resolve({ passed, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: 0 });
    });
  });
}

/** A spec file that could not be loaded, a crash and a hang count as one failure each. */
function count(output, code, lingered) {
  if (!existsSync(output)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(output, 'utf8'));
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + (lingered ? 1 : 0);
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function hasSpecs(folder) {
  const path = join(root, folder);
  return existsSync(path) && readdirSync(path, { recursive: true }).some((file) => file.endsWith('.spec.ts'));
}

function report(all) {
  const line = (name, ...cells) => name.padEnd(14) + cells.map((cell) => String(cell).padStart(9)).join('');
  const sum = (key) => all.reduce((total, row) => total + row[key], 0);
  console.log(`\n${line('layer', 'passed', 'failed', 'skipped', 'seconds')}`);
  for (const row of all) console.log(line(row.name, row.passed, row.failed, row.skipped, row.seconds.toFixed(1)));
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}
