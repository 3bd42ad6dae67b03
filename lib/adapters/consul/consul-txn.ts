import { systemRandom } from '../../core/common/ids.js';
import { RegistryRefusedError } from '../../core/registry/registry-errors.js';
import type { ConsulConnection } from './consul-connection.js';

/** What stands at one place of Consul's store. */
export interface Pair {
  readonly Key: string;
  /** In base64; `null` where it is empty, or was not asked for. */
  readonly Value: string | null;
  /** Place of the write that made this version in the log of all of Consul's writes. */
  readonly ModifyIndex: number;
  /** The session it is deleted with. */
  readonly Session?: string;
}

/** One step of a transaction. */
export interface Op {
  readonly KV: {
    readonly Verb: string;
    readonly Key: string;
    readonly Value?: string;
    readonly Flags?: number;
    readonly Index?: number;
    readonly Session?: string;
  };
}

/** All that the steps found, or why some of them failed, by their positions: then nothing was done. */
export type TxnAnswer = { readonly pairs: readonly Pair[] } | { readonly errors: ReadonlyMap<number, string> };

/** Consul refuses a transaction of more steps, and one whose JSON is longer (`txn_max_req_len` raises the latter). */
export const TXN_OPS = 64;
export const TXN_BYTES = 512 * 1024;

let stamp = Math.floor(systemRandom() * 2 ** 32) * 2 ** 20;

/** Consul ignores a write that changes nothing, and gives it no version: each one carries a number that is new. */
const content = (text: string): { Value: string; Flags: number } => ({
  Value: Buffer.from(text).toString('base64'),
  Flags: ++stamp,
});
const op = (Verb: string, Key: string, rest: object = {}): Op => ({ KV: { Verb, Key, ...rest } });

export const get = (key: string): Op => op('get', key);
/** Everything whose key begins like this. Never fails. */
export const tree = (prefix: string): Op => op('get-tree', prefix);
export const checkIndex = (key: string, index: number): Op => op('check-index', key, { Index: index });
export const checkAbsent = (key: string): Op => op('check-not-exists', key);
/** Leaves a session that is bound to the place where it is. */
export const set = (key: string, text: string): Op => op('set', key, content(text));
/** As `set`, if the version is still this one, or nothing stands there where it is 0. */
export const cas = (key: string, index: number, text: string): Op => op('cas', key, { ...content(text), Index: index });
export const lock = (key: string, session: string, text: string): Op =>
  op('lock', key, { ...content(text), Session: session });
export const remove = (key: string): Op => op('delete', key);

export const textOf = ({ Value }: Pair): string => (Value === null ? '' : Buffer.from(Value, 'base64').toString());

/**
 * All steps at one instant, or none of them. Transactions that only read are answered from the leader's memory;
 * `consistent` makes sure that it still is the leader.
 */
export async function transact(
  connection: ConsulConnection,
  ops: readonly Op[],
  consistent = false,
): Promise<TxnAnswer> {
  const { status, text } = await connection.request({
    method: 'PUT',
    path: '/v1/txn',
    query: consistent ? { consistent: '' } : {},
    body: JSON.stringify(ops),
    accept: [409],
  });
  const answer = connection.parsed(text) as { Results: { KV: Pair }[] | null; Errors: TxnError[] | null };
  if (status !== 409) return { pairs: (answer.Results ?? []).map(({ KV }) => KV) };
  const errors = new Map((answer.Errors ?? []).map(({ OpIndex, What }) => [OpIndex, What]));
  const denied = [...errors.values()].find((what) => /permission denied/i.test(what));
  if (denied !== undefined) throw connection.denied(denied);
  return { errors };
}

interface TxnError {
  readonly OpIndex: number;
  readonly What: string;
}

/** For steps that can fail only in ways nobody foresaw. */
export function unexpected(errors: ReadonlyMap<number, string>): RegistryRefusedError {
  return new RegistryRefusedError(`Consul refused the transaction (${[...errors.values()].join('; ')}).`);
}
