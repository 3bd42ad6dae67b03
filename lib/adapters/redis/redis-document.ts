import type { Entry, WriteResult } from '../../core/registry/registry.js';

/** Reads what `scripts/store.lua` stores: `<token>:<session or nothing>:<value>`. The revision is the token's text. */
export function entryOf(key: string, document: string): Entry {
  const first = document.indexOf(':');
  const second = document.indexOf(':', first + 1);
  const revision = document.slice(0, first);
  const session = document.slice(first + 1, second);
  const entry = { key, value: document.slice(second + 1), revision, token: BigInt(revision) };
  return session === '' ? entry : { ...entry, session };
}

/** Reads one result of `scripts/commit.lua`. */
export function writeResultOf(key: string, result: string): WriteResult {
  const rest = result.slice(1);
  if (result.startsWith('+')) return { ok: true, revision: rest, token: BigInt(rest) };
  if (result.startsWith('!')) return { ok: false, sessionExpired: true };
  return rest === '' ? { ok: false } : { ok: false, current: entryOf(key, rest) };
}

/** Key, document, key, document, …, as the scripts return them, in pairs. */
export function* pairsOf(flat: readonly string[], from: number): Generator<[key: string, document: string]> {
  for (let i = from; i + 1 < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!];
}
