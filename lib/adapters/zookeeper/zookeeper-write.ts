import { RegistryRefusedError, RegistryUnavailableError, wholeError } from '../../core/registry/registry-errors.js';
import type { Write, WriteResult } from '../../core/registry/registry.js';
import type { Stat } from './wire/protocol.js';
import {
  atomically,
  create,
  getData,
  remove,
  setData,
  type Access,
  type NodeContent,
  type WireRequest,
} from './wire/requests.js';
import { done, entryOf, revisionOf, versionIn } from './zookeeper-document.js';
import { markRemoval } from './zookeeper-graves.js';
import type { DocumentPlace } from './zookeeper-keys.js';
import type { ZookeeperLink } from './zookeeper-link.js';

/** A write keeps losing only to others who write the same document all the time. */
const MOST_ROUNDS = 50;
/** Somewhat less than the server takes in one request. */
const LONGEST_REQUEST = 1_000_000;

export interface WriteParts {
  readonly access: Access;
  /** Makes a folder and bucket, once for all who ask at the same time. */
  readonly ensure: (link: ZookeeperLink, path: string) => Promise<void>;
  readonly onGrave: (place: DocumentPlace, version: number) => void;
}

/** What a request is made from: the node as it is, or as it is believed to be. Version -1 stands for any. */
interface Node {
  readonly data: string | null;
  readonly stat: Pick<Stat, 'version' | 'owner'>;
}

/**
 * One write, in rounds: from what the node is (at first perhaps a guess) follows one request that does it on condition
 * that the node is that; where it was not, the node is read and the next round begins.
 *
 *   guess, or barrier and read --> request --done--> result
 *                 ^                   '--the node was another--> read --condition fails--> result with what is there
 *                 '-----------------------------------------------'--condition holds--> request …
 *
 * A read here is not older than the request before it, failed or not: that one went through the leader, and answers of
 * one connection never go back. So what is returned as current was there after this write began.
 *
 * @param owner the session to bind to, or 0; the link must be that session's
 */
export async function applyWrite(
  link: ZookeeperLink,
  place: DocumentPlace,
  write: Write,
  owner: bigint,
  parts: WriteParts,
): Promise<WriteResult> {
  const { key, value } = write;
  const { path } = place;
  const { era } = link;
  let hasWritten = false;
  try {
    let node: Node | undefined | 'unknown' = guess(link, write, owner);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (round > 0 || node === 'unknown') {
        const [, read] = await Promise.all([round === 0 && link.barrier(), link.call(getData(path), key)]);
        if (!holds(link, write, read.value)) return failed(link, key, read.value);
        node = read.value;
        if (value === undefined && !node) return done(era, { version: -1, owner: 0n, mzxid: read.zxid });
      }
      const reply = await link.call<Stat | undefined>(requestFor(place, node, owner, write, parts.access), key);
      if (reply.miss) {
        if (reply.miss === 'NoNode' && !node) await parts.ensure(link, place.bucket);
        continue;
      }
      hasWritten = true;
      if (!reply.value) return done(era, { version: -1, owner: 0n, mzxid: reply.zxid }); // It was removed.
      if (value === undefined && reply.value.owner === 0n) parts.onGrave(place, reply.value.version);
      // A condition has been met, once and for all; without one a wrong belief about the session is put right.
      if (reply.value.owner === owner || write.if !== undefined) return done(era, reply.value);
    }
  } catch (error) {
    throw wholeError(error, hasWritten);
  }
  const message = `${key} changed ${MOST_ROUNDS} times while it was to be written; others write it without pause.`;
  throw new RegistryUnavailableError(message, { outcomeUnknown: hasWritten });
}

/** What the node must be for the write to be a single request. What is bound to a session is looked at first. */
function guess({ era }: ZookeeperLink, { value, if: condition }: Write, owner: bigint): Node | undefined | 'unknown' {
  if (owner !== 0n) return 'unknown';
  if (condition === undefined) return { data: '', stat: { version: -1, owner: 0n } };
  if (condition === 'absent') return value === undefined ? 'unknown' : undefined;
  const version = versionIn(era, condition);
  return version === undefined ? 'unknown' : { data: '', stat: { version, owner: 0n } };
}

function holds({ era }: ZookeeperLink, { if: condition }: Write, node: Node | undefined): boolean {
  if (condition === undefined) return true;
  const isThere = node !== undefined && node.data !== null;
  return condition === 'absent' ? !isThere : isThere && revisionOf(era, node.stat) === condition;
}

function failed({ era }: ZookeeperLink, key: string, node: NodeContent | undefined): WriteResult {
  const current = node && entryOf(era, key, node);
  return current ? { ok: false, current } : { ok: false };
}

function requestFor(
  place: DocumentPlace,
  node: Node | undefined,
  owner: bigint,
  write: Write,
  access: Access,
): WireRequest<Stat | undefined> {
  const { path } = place;
  const value = write.value ?? null;
  const fresh = { path, data: value, ephemeral: owner !== 0n, access };
  if (!node) return create(fresh);
  const { version } = node.stat;
  // What vanishes with its session leaves nothing behind when it is deleted either.
  if (value === null && node.stat.owner !== 0n) return remove(path, version);
  if (node.stat.owner === owner) return setData(path, value, write.if === undefined ? -1 : version);
  return rebind(write.key, place, fresh, node.stat);
}

/** A node keeps the session it was created in, so it is made anew; its versions count on, for the conditions of others. */
function rebind(
  key: string,
  { bucket, path }: DocumentPlace,
  node: Parameters<typeof create>[0],
  { version, owner }: Node['stat'],
): WireRequest<Stat> {
  const count = setData(path, null, -1);
  if (Buffer.byteLength(node.data ?? '') + (version + 5) * (Buffer.byteLength(path) + 21) > LONGEST_REQUEST) {
    const message = `${key} was written too often to be bound to a session or unbound now: delete it, then write it.`;
    throw new RegistryRefusedError(message);
  }
  return atomically([
    ...(owner === 0n ? [markRemoval(bucket, -1)] : []),
    remove(path, version),
    create({ ...node, data: null }),
    ...Array.from({ length: version }, () => count),
    setData(path, node.data, -1),
  ]);
}
