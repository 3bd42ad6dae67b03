import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cachedProgram, fetchDebianProgram, programFolder, versionFolders } from './debian-packages.js';
import type { Program, ProgramNeed, ServerKind } from './server.js';

/** Finds the server's program, or fails with everything that was tried: a test that cannot run must not look passed. */
export async function findProgram({ name, variable, program: need }: ServerKind): Promise<Program> {
  const tried = [
    `${variable}: ${process.env[variable] ? 'set, but this test must be able to kill its server' : 'not set'}`,
  ];
  const onPath = findOnPath(need);
  if (onPath) return { command: onPath, env: {} };
  tried.push(`${need.executable} on the PATH: not found`);
  const cached = cachedProgram(need);
  if (cached) return cached;
  tried.push(`the cache ${programFolder(need)}: empty`);
  try {
    return await fetchDebianProgram(need);
  } catch (error) {
    tried.push(`the distribution's packages: ${(error as Error).message}`);
  }
  tried.push(`Docker: not started from here; start a server in a container and set ${variable} to its address`);
  throw new Error(`No ${name} server can be had. Tried:\n${tried.map((line) => `  - ${line}`).join('\n')}`);
}

/** Debian keeps programs that it has in several versions beside the PATH. */
function findOnPath(need: ProgramNeed): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return [...folders, ...versionFolders('/', need)].map((folder) => join(folder, need.executable)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
