// npm run bench -- <scenario> [options]: runs one scenario of bench/ from source.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { root, run, runNode, runTypeScript } from './process.mjs';

/** Scenarios beside libraries that nothing else here needs: those stand in bench/package.json. */
const comparing = ['daylight-saving', 'next'];

const [scenario = '', ...options] = process.argv.slice(2);
const scenarios = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('-worker.ts'))
  .map((file) => file.slice(0, -3));
if (scenarios.includes(scenario)) {
  await bootstrap();
  if (comparing.includes(scenario)) await installPeers();
  runTypeScript(`bench/${scenario}.ts`, options);
} else {
  console.error(`Usage: npm run bench -- <scenario>   Scenarios: ${scenarios.join(', ')}`);
  process.exitCode = 1;
}

async function installPeers() {
  const wanted = versions('bench/package-lock.json');
  const installed = versions('bench/node_modules/.package-lock.json');
  if (Object.entries(wanted).every(([path, version]) => installed[path] === version)) return;
  console.error('Installing what is compared with "npm ci" in bench/. This takes a few seconds.');
  const args = ['ci', '--prefix', 'bench', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  // Quiet, as standard output is for the figures.
  const quietly = { quiet: true };
  const { code, output } = npm?.endsWith('.js')
    ? await runNode([npm, ...args], quietly)
    : await run('npm', args, quietly);
  if (code === 0) return;
  console.error(`${output}npm ci in bench/ failed; the lines above say why. Nothing was started.`);
  process.exit(code);
}

/** Package by package, as a lockfile has them; empty where there is none. */
function versions(lockfile) {
  try {
    const { packages } = JSON.parse(readFileSync(join(root, lockfile), 'utf8'));
    const named = Object.entries(packages).filter(([path]) => path !== '');
    return Object.fromEntries(named.map(([path, { version }]) => [path, version]));
  } catch {
    return {};
  }
}
