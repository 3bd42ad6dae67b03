import type { Entry, Revision, WriteResult } from '../../core/registry/registry.js';
import type { Stat } from './wire/protocol.js';
import type { NodeContent } from './wire/requests.js';
import { tokenOf, type Era } from './zookeeper-era.js';

/**
 * A document is a node, its value is the content as it is. A node without content is one that was deleted a short while
 * ago: it stays for a minute, so that its versions count on if it is written again (see `zookeeper-graves`).
 */
export function entryOf(era: Era, key: string, { data, stat }: NodeContent): Entry | undefined {
  if (data === null) return undefined;
  const entry = { key, value: data, revision: revisionOf(era, stat), token: tokenOf(era, stat.mzxid) };
  return stat.owner === 0n ? entry : { ...entry, session: sessionName(stat.owner) };
}

/** `<era>.<version>`, and for a document that is bound to a session `.<session>` behind it. */
export function revisionOf(era: Era, { version, owner }: Pick<Stat, 'version' | 'owner'>): Revision {
  return owner === 0n ? `${era.id}.${version}` : `${era.id}.${version}.${sessionName(owner)}`;
}

/** The version that a condition names, where it is one of an unbound document in this era. */
export function versionIn(era: Era, revision: Revision): number | undefined {
  const found = /^([0-9a-z]+)\.(\d{1,10})$/.exec(revision);
  return found?.[1] === era.id ? Number(found[2]) : undefined;
}

export function done(era: Era, stat: Pick<Stat, 'version' | 'owner' | 'mzxid'>): WriteResult {
  return { ok: true, revision: revisionOf(era, stat), token: tokenOf(era, stat.mzxid) };
}

/** As the server's own tools write it. */
export const sessionName = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`;
