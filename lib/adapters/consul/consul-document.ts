import type { Entry, Revision } from '../../core/registry/registry.js';
import type { Era } from './consul-era.js';
import type { ConsulLayout } from './consul-keys.js';
import { textOf, type Pair } from './consul-txn.js';

/** A version of a document: the era it was handed out in, its place in Consul's log, and the session it was bound to. */
export interface Version {
  readonly era: string;
  readonly index: number;
  readonly session?: string;
}

/** The session is part of it, because whoever replaces the document must know whether it is bound. */
export function revisionOf(era: Era, index: number, session?: string): Revision {
  const revision = `${era.base.toString(36)}.${index.toString(36)}`;
  return session === undefined ? revision : `${revision}.${session}`;
}

/** What a revision says, or nothing where it is none of ours: it then fits no document. */
export function versionOf(revision: Revision): Version | undefined {
  const [, era, index, session] = /^([0-9a-z]+)\.([0-9a-z]+)(?:\.([0-9a-f-]{36}))?$/.exec(revision) ?? [];
  if (era === undefined) return undefined;
  const version = { era, index: parseInt(index!, 36) };
  return session === undefined ? version : { ...version, session };
}

export const isOf = (era: Era, version: Version): boolean => version.era === era.base.toString(36);

export function tokenOf(era: Era, index: number): bigint {
  return era.base + BigInt(index);
}

export function entryOf(pair: Pair, era: Era, layout: ConsulLayout): Entry {
  const { Key, ModifyIndex, Session } = pair;
  const entry = {
    key: layout.keyAt(Key),
    value: textOf(pair),
    revision: revisionOf(era, ModifyIndex, Session),
    token: tokenOf(era, ModifyIndex),
  };
  return Session === undefined ? entry : { ...entry, session: Session };
}
