import { spawn } from 'node:child_process';

/** Failures under these names are of the simulation itself: they show that a bug breaks something, not that a rule sees it. */
const OWN_FAILURES = new Set(['simulation']);

const running = new Set();

/**
 * Runs the simulation over a tree until a rule is broken.
 * @returns `how`: `'caught'` by a rule, `'survived'` all seeds, or `'broken'`: it crashed or hung
 */
export async function simulate(tree, { seeds, timeoutMs }) {
  const started = performance.now();
  const { code, output, late } = await run(tree, ['--seeds', seeds, '--bail', '--json', '--workers', 1], timeoutMs);
  const seconds = (performance.now() - started) / 1_000;
  const report = late ? undefined : lastLine(output);
  const verdict = (how, rest) => ({ how, seconds, seeds: report?.seeds ?? 0, ...rest });
  if (late) return verdict('broken', { why: `it did not end within ${timeoutMs / 1_000} s` });
  if (!report || (code !== 0 && code !== 1)) return verdict('broken', { why: output.trim().slice(-600) });
  const [failure] = report.failures;
  if (!failure) return verdict('survived');
  if (OWN_FAILURES.has(failure.rule))
    return verdict('broken', { why: `${failure.rule}: ${failure.message}`, ...failure });
  return verdict('caught', failure);
}

/** Whether one seed breaks nothing in this tree. */
export async function holds(tree, seed, { timeoutMs }) {
  const { code } = await run(tree, ['--seed', seed], timeoutMs);
  return code === 0;
}

/** Ends whatever is still running. */
export function endSimulations() {
  for (const child of running) child.kill('SIGKILL');
}

function run(tree, options, timeoutMs) {
  const program = ['--import', '@swc-node/register/esm-register', 'test/simulation/main.ts'];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...program, ...options.map(String)], {
      cwd: tree,
      env: { ...process.env, SWC_NODE_PROJECT: 'tsconfig.json' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += error.message));
    child.on('close', (code) => {
      clearTimeout(limit);
      running.delete(child);
      resolve({ code, output, late });
    });
  });
}

/** The report: the last line that is a JSON object. */
function lastLine(output) {
  try {
    return JSON.parse(output.trim().split('\n').at(-1));
  } catch {
    return undefined;
  }
}
