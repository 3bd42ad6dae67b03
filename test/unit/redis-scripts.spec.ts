import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { GROUP_KEYS } from '../../lib/adapters/redis/redis-keys.js';
import { readScript, SCRIPT_ARGUMENTS, scriptNamed, type ScriptName } from '../../lib/adapters/redis/redis-scripts.js';

const names = Object.keys(SCRIPT_ARGUMENTS) as ScriptName[];
const folder = new URL('../../lib/adapters/redis/', import.meta.url);
const header = (text: string, line: string): string | undefined =>
  new RegExp(`^-- ${line}:[ ]*(.*)$`, 'm').exec(text)?.[1];

describe('the scripts of the Redis registry', () => {
  it('are the files in their folder, and each is used', () => {
    const files = readdirSync(new URL('scripts/', folder)).map((file) => file.replace(/\.lua$/, ''));
    expect(files.sort()).toEqual([...names, 'store'].sort());
    const callers = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'redis-scripts.ts');
    const code = callers.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
    for (const name of names) expect(code).toContain(`.run('${name}'`);
  });

  it.each([...names, 'store' as const])('%s declares the keys that its callers pass', (name) => {
    expect(header(readScript(name), 'KEYS')?.split(' ')).toEqual([...GROUP_KEYS]);
  });

  it.each(names)(
    '%s declares the arguments that its callers pass, says what it returns, and uses no others',
    (name) => {
      const text = readScript(name);
      const expected = SCRIPT_ARGUMENTS[name].join(' ');
      expect(header(text, 'ARGV')).toBe(name === 'commit' ? `(${expected})...` : expected);
      expect(text).toMatch(/^-- Returns /m);
      if (name === 'commit') {
        expect([...text.matchAll(/ARGV\[i(?: \+ (\d))?\]/g)].map(([, n]) => n ?? '0').sort()).toEqual([
          '0',
          '1',
          '2',
          '3',
          '4',
        ]);
        expect(text).toContain(`#ARGV, ${SCRIPT_ARGUMENTS.commit.length}`);
      } else {
        const used = new Set([...text.matchAll(/ARGV\[(\d+)\]/g)].map(([, n]) => n!));
        expect([...used].sort()).toEqual(SCRIPT_ARGUMENTS[name].map((_, i) => String(i + 1)));
      }
    },
  );

  it.each(names)('%s names keys only through the prelude', (name) => {
    expect(readScript(name)).not.toMatch(/KEYS\[/);
    expect(readScript('store').match(/KEYS\[\d\]/g)).toEqual(GROUP_KEYS.map((_, i) => `KEYS[${i + 1}]`));
    // Strings are compared by the server's locale in Lua: order is the business of sorted sets.
    expect(readScript(name)).not.toMatch(/\b(?:key|last|from|prefix) [<>]=? /);
  });

  it('are loaded once, each with its own digest', () => {
    expect(scriptNamed('get')).toBe(scriptNamed('get'));
    expect(new Set(names.map((name) => scriptNamed(name).sha)).size).toBe(names.length);
  });
});
