/** An apt of our own beside the system's: its own lists, and nothing installed. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownSources, parseSourceLines, parseSourceStanzas, withSuite, type AptSource } from './apt-sources.js';
import type { Packages } from './server.js';

/** Downloads the packages and the libraries they need into `work`; returns the files. */
export async function downloadPackages(work: string, need: Packages): Promise<string[]> {
  const apt = privateApt(work, sourcesFor(need));
  await apt('apt-get', ['-qq', 'update']);
  const debs = join(work, 'debs');
  mkdirSync(debs, { recursive: true });
  await apt('apt-get', ['-qq', 'download', ...(await withLibraries(need.packages, apt))], debs);
  return readdirSync(debs).map((name) => join(debs, name));
}

/** The release the machine runs, for example `bookworm`. */
export function codename(): string {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^VERSION_CODENAME="?(\w+)/m.exec(text)?.[1] ?? 'unknown';
}

/** Runs a program to its end; an error says what the program said last. */
export async function execute(command: string, args: string[], options = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 1e8, ...options, encoding: 'utf8' });
    return stdout;
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: string };
    const lines = (stderr || message).trim().split('\n');
    throw new Error(`${command} failed: ${lines.slice(-3).join(' · ')}`, { cause: error });
  }
}

type Apt = (command: 'apt-get' | 'apt-cache', args: string[], cwd?: string) => Promise<string>;

function privateApt(work: string, sources: AptSource[]): Apt {
  const folder = (name: string): string => {
    mkdirSync(join(work, name), { recursive: true });
    return join(work, name);
  };
  const file = (name: string, text: string): string => {
    writeFileSync(join(work, name), text);
    return join(work, name);
  };
  const texts = (format: AptSource['format']): string =>
    sources.map((source) => (source.format === format ? `${source.text}\n\n` : '')).join('');
  const parts = folder('sources');
  file('sources/own.list', texts('line'));
  file('sources/own.sources', texts('deb822'));
  folder('lists/partial');
  folder('cache/archives/partial');
  const settings = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': parts,
    'Dir::State': folder('state'),
    'Dir::State::Lists': folder('lists'),
    // With the system's status file apt looks for the very versions that are installed, which a mirror may not hold.
    'Dir::State::status': file('status', ''),
    'Dir::Cache': folder('cache'),
    'APT::Sandbox::User': 'root', // Otherwise root's apt changes to a user who may not write here.
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
  const env = { ...process.env, APT_CONFIG: file('apt.conf', lines.join('')), LC_ALL: 'C' };
  return (command, args, cwd = work) => execute(command, args, { cwd, env, timeout: 300_000 });
}

/**
 * The packages, and the libraries they depend on at any depth; also what an empty package names as its newest version. The
 * C library is the machine's own.
 */
async function withLibraries(packages: string[], apt: Apt): Promise<string[]> {
  const wanted = new Set(packages);
  for (let added = [...packages]; added.length > 0;) {
    const output = await apt('apt-cache', ['depends', '--important', ...added]);
    const names = [...output.matchAll(/^[ |]*(?:Pre)?Depends: ((?:lib|lua|postgresql-\d)\S+)/gm)].map(
      (match) => match[1]!,
    );
    added = [...new Set(names)].filter((name) => !wanted.has(name) && !/^lib(c6|c-|crypt1|gcc-s)/.test(name));
    for (const name of added) wanted.add(name);
  }
  return [...wanted];
}

function sourcesFor({ suite }: Packages): AptSource[] {
  const own = ownSources(readSources('/etc/apt'), codename());
  if (own.length === 0) throw new Error(`the apt sources of this machine name no main archive for ${codename()}`);
  return suite ? [withSuite(own[0]!, suite)] : own;
}

function readSources(folder: string): AptSource[] {
  const parts = join(folder, 'sources.list.d');
  const names = existsSync(parts) ? readdirSync(parts) : [];
  return [join(folder, 'sources.list'), ...names.map((name) => join(parts, name))]
    .filter(existsSync)
    .flatMap((file) => {
      if (file.endsWith('.list')) return parseSourceLines(readFileSync(file, 'utf8'));
      return file.endsWith('.sources') ? parseSourceStanzas(readFileSync(file, 'utf8')) : [];
    });
}
