import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The arguments of every script, in order; each file's header says the same, and a test compares the two. `commit`
 * takes its five as often as there are writes.
 */
export const SCRIPT_ARGUMENTS = {
  get: ['key'],
  list: ['prefix', 'from', 'limit'],
  commit: ['key', 'operation', 'condition', 'session', 'value'],
  changes: ['position', 'limit'],
  poll: [],
  'open-session': ['session', 'ttlMs'],
  'renew-session': ['session', 'ttlMs'],
  'end-session': ['session'],
} as const;

export type ScriptName = keyof typeof SCRIPT_ARGUMENTS;

/** What a call of the script must pass: checked by the compiler, except for `commit`, which repeats. */
export type ScriptCall<N extends ScriptName> = N extends 'commit'
  ? readonly string[]
  : Texts<(typeof SCRIPT_ARGUMENTS)[N]>;

type Texts<Names extends readonly unknown[]> = { readonly [I in keyof Names]: string };

export interface RedisScript {
  readonly body: string;
  readonly sha: string;
}

const loaded = new Map<ScriptName, RedisScript>();

/** The script with the shared prelude in front. Read from the folder beside this file, once. */
export function scriptNamed(name: ScriptName): RedisScript {
  let script = loaded.get(name);
  if (!script) {
    const body = `${readScript('store')}\n${readScript(name)}`;
    script = { body, sha: createHash('sha1').update(body).digest('hex') };
    loaded.set(name, script);
  }
  return script;
}

export function readScript(name: ScriptName | 'store'): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
