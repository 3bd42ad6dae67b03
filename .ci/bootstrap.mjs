// Makes a fresh clone usable: installs what the lockfile says when node_modules does not hold it.
// No dependencies, because it runs before there are any.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, root, runNode } from './process.mjs';

export async function bootstrap() {
  const reason = missing();
  if (!reason) return;
  console.log(`Installing dependencies with "npm ci" (${reason}). This takes a minute or less.`);
  // Development packages are wanted even where NODE_ENV says production.
  const { code } = await npmCi(['--include=dev']);
  if (code !== 0) {
    console.error('npm ci failed; the lines above say why. Nothing was started.');
    process.exit(code);
  }
}

/** Installs what a folder of ours with a lockfile of its own wants, unless it is there. Quiet: standard output may be for figures. */
export async function installIn(folder, what) {
  const wanted = versions(`${folder}/package-lock.json`);
  const installed = versions(`${folder}/node_modules/.package-lock.json`);
  if (Object.entries(wanted).every(([path, version]) => installed[path] === version)) return;
  console.error(`Installing ${what} with "npm ci" in ${folder}/. This takes a few seconds.`);
  const { code, output } = await npmCi(['--prefix', folder], { quiet: true });
  if (code === 0) return;
  console.error(`${output}npm ci in ${folder}/ failed; the lines above say why. Nothing was started.`);
  process.exit(code);
}

function npmCi(options, how) {
  const args = ['ci', ...options, '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  return npm?.endsWith('.js') ? runNode([npm, ...args], how) : run('npm', args, how);
}

/** Package by package, as a lockfile has them, but for those that not every platform has; empty where there is none. */
function versions(lockfile) {
  const named = Object.entries(readLock(lockfile)?.packages ?? {}).filter(
    ([path, entry]) => path !== '' && !entry.optional,
  );
  return Object.fromEntries(named.map(([path, { version }]) => [path, version]));
}

/** Why an install is needed, or undefined. npm leaves a copy of what it installed; versions decide, not file times. */
function missing() {
  const wanted = readLock('package-lock.json')?.packages;
  const installed = readLock('node_modules/.package-lock.json')?.packages;
  if (!wanted) return undefined;
  if (!installed) return 'node_modules is missing or incomplete';
  for (const [path, entry] of Object.entries(wanted)) {
    // An optional package may rightly be absent: most of them are binaries for other platforms.
    const absentIsFine = path === '' || entry.optional || entry.peer;
    const found = installed[path];
    if (found ? found.version !== entry.version : !absentIsFine) {
      return `${path.replace(/^.*node_modules\//, '')} ${entry.version} is in the lockfile, ${found?.version ?? 'nothing'} is installed`;
    }
  }
  return undefined;
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

if (process.argv[1] === import.meta.filename) await bootstrap();
