import type { ForkOptions } from 'node:child_process';

/** How a TypeScript file of this repository is run as a process of its own, with nothing inherited from the test runner. */
export function fromSource(env: Record<string, string> = {}, flags: readonly string[] = []): ForkOptions {
  return {
    execArgv: ['--import', '@swc-node/register/esm-register', ...flags],
    env: { ...process.env, NODE_OPTIONS: '', SWC_NODE_PROJECT: 'tsconfig.json', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  };
}
