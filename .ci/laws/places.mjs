// Nothing in the repository may say on which machine, or through which registry, it was made.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const ignored = new Set(['.git', 'node_modules', 'dist', '.sample', 'coverage', '.cache']);

export function checkPlaces({ root }) {
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const here = [root, homedir()].map((path) => `${escape(path)}/`).join('|');
  const home = new RegExp(String.raw`(?<![\w./-])(?:${here}|/(?:home|Users)/[\w.-]+/|[A-Za-z]:\\{1,2}Users\\)`);
  return textFiles(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (text.includes('\0')) return [];
    return text.split('\n').flatMap((content, index) => {
      const report = (rule, message) => [{ file, line: index + 1, rule, message }];
      if (/(^|\/)package-lock\.json$/.test(file) && /"resolved":\s*"https?:/.test(content)) {
        return report('lockfile-host', 'names a registry; run npm install with the .npmrc of this repository');
      }
      if (/(^|\/)\.npmrc$/.test(file) && /registry\s*=|:_auth/.test(content)) {
        return report('lockfile-host', 'a registry belongs in the .npmrc of your own machine');
      }
      const place = home.exec(content)?.[0];
      return place
        ? report('machine-path', `"${place}" exists on one machine only; write a path relative to the repository`)
        : [];
    });
  });
}

function textFiles(root, folder = '') {
  if (!existsSync(root)) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (ignored.has(entry.name)) return [];
    if (entry.isDirectory()) return textFiles(root, path);
    return entry.isFile() && statSync(join(root, path)).size < 2_000_000 ? [path] : [];
  });
}
