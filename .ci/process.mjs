import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository's root; every script works from here, wherever it was called. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const children = new Set();

/** Starts a program in the repository's root. */
export function start(command, args, { env = {}, stdio }) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio });
  children.add(child);
  child.on('close', () => children.delete(child));
  return child;
}

/** Runs a program to its end. Output goes to the terminal, or is collected when `quiet` is set. */
export function run(command, args, { quiet = false } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = start(command, args, {
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: `${command}: ${error.message}\n` }));
    child.on('close', (code, signal) => {
      if (signal) output += `${command} was ended by ${signal}\n`;
      resolve({ code: code ?? 1, output });
    });
  });
}

/** The same for a Node script of this repository or of an installed package. */
export const runNode = (args, options) => run(process.execPath, args, options);

/**
 * Runs TypeScript from source in the foreground (decorators with metadata, ESM, the tsconfig's `paths`), and ends with
 * its exit code. A terminal sends Ctrl-C to both processes, so this one only stays until the program has cleaned up.
 */
export function runTypeScript(file, args = []) {
  passOnTermination();
  process.on('SIGINT', () => {});
  const child = start(process.execPath, ['--import', '@swc-node/register/esm-register', file, ...args], {
    env: { SWC_NODE_PROJECT: 'tsconfig.json' },
    stdio: 'inherit',
  });
  child.on('close', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1);
  });
}

/** Ends the children on SIGTERM, and when the parent has gone: the shell that npm puts between passes no signal on. */
export function passOnTermination(afterwards = () => {}) {
  const end = () => {
    for (const child of children) child.kill('SIGTERM');
    afterwards();
  };
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, 500).unref();
  process.on('SIGTERM', end);
}
