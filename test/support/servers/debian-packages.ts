/**
 * Takes a server out of the distribution's packages without installing anything: a private apt downloads them,
 * `dpkg -x` unpacks them into the cache. Needs no root, touches no list of the system, starts no service.
 */
import { existsSync, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { cacheFolder, withLock } from './cache.js';
import { codename, downloadPackages, execute } from './private-apt.js';
import type { Packages, Program, ProgramNeed } from './server.js';

type FolderNeed = Packages & Pick<ProgramNeed, 'refusesRoot'> & { name: string };

/** The program from the cache, or undefined. */
export function cachedProgram(need: ProgramNeed): Program | undefined {
  const root = programFolder(need);
  const folders = ['usr/bin', 'usr/sbin', 'bin'].map((folder) => join(root, folder));
  const command = [...folders, ...versionFolders(root, need)]
    .map((folder) => join(folder, need.executable))
    .find(existsSync);
  if (!command) return undefined;
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => {
    const path = join(root, folder);
    const names = existsSync(path) ? readdirSync(path) : [];
    return names.filter((name) => name.includes('-linux-')).map((name) => join(path, name));
  });
  return { command, env: { LD_LIBRARY_PATH: libraries.join(':') } };
}

/** Where a program is that may be there in several versions. `root`: the machine's, or that of unpacked packages. */
export function versionFolders(root: string, { versionsIn }: ProgramNeed): string[] {
  const folder = versionsIn === undefined ? '' : join(root, versionsIn);
  return folder && existsSync(folder) ? readdirSync(folder).map((version) => join(folder, version, 'bin')) : [];
}

/** Fetches it into the cache. */
export async function fetchDebianProgram(need: ProgramNeed): Promise<Program> {
  await fetchDebianFolder({ name: need.executable, ...need });
  const program = cachedProgram(need);
  if (!program) throw new Error(`the packages ${need.packages.join(', ')} hold no ${need.executable}`);
  return program;
}

/**
 * The folder that the packages are unpacked in, as if it were `/`. From the cache, where an earlier call has put it. Two
 * processes that want the same do it once.
 */
export async function fetchDebianFolder(need: FolderNeed): Promise<string> {
  const root = packageFolder(need);
  if (existsSync(root)) return root;
  if (!existsSync('/etc/debian_version')) throw new Error('this is not a Debian or Ubuntu machine');
  await withLock(`${root}.lock`, async () => {
    if (existsSync(root)) return;
    const work = `${root}.fetch`;
    rmSync(work, { recursive: true, force: true });
    for (const file of await downloadPackages(work, need)) await execute('dpkg', ['-x', file, join(work, 'root')]);
    repointAbsoluteLinks(join(work, 'root'));
    renameSync(join(work, 'root'), root); // Last, so that a fetch that was broken off leaves nothing that looks whole.
    rmSync(work, { recursive: true, force: true });
  });
  return root;
}

export const programFolder = (need: ProgramNeed): string => packageFolder({ name: need.executable, ...need });

const packageFolder = ({ name, suite, refusesRoot }: FolderNeed): string =>
  join(
    cacheFolder({ forOthers: refusesRoot === true && process.getuid?.() === 0 }),
    `${name}-${suite ?? codename()}-${process.arch}`,
  );

/** Packages link to absolute paths, which mean nothing unless they are unpacked at /. */
function repointAbsoluteLinks(root: string, folder = root): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) repointAbsoluteLinks(root, path);
    if (!stat.isSymbolicLink()) continue;
    const target = readlinkSync(path);
    if (!target.startsWith('/') || !existsSync(join(root, target))) continue;
    rmSync(path);
    symlinkSync(relative(dirname(path), join(root, target)), path);
  }
}
