import { readFileSync } from 'node:fs';

/**
 * A package that only the benches need: it stands in `bench/package.json`; types and lint must do without it, hence no
 * literal specifier and a type of one's own that has what is used of it.
 */
export async function load<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}

export function versionOf(name: string): string {
  for (const folder of ['../node_modules', '../../node_modules']) {
    try {
      const text = readFileSync(new URL(`${folder}/${name}/package.json`, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // Not here: the next one.
    }
  }
  return 'unknown';
}
