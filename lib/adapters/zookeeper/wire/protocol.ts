import type { JuteReader, JuteWriter } from './jute.js';

/** Numbers of the operations this client asks for. */
export const OP = {
  create: 1,
  delete: 2,
  getData: 4,
  setData: 5,
  ping: 11,
  getChildren2: 12,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  auth: 100,
  addWatch: 106,
  closeSession: -11,
} as const;

/** In place of a request's number, where no request is answered. */
export const XID = { notification: -1, ping: -2, auth: -4 } as const;

/** Answers of the server other than success, with the names its own documentation uses. */
export const CODE = {
  SystemError: -1,
  RuntimeInconsistency: -2,
  ConnectionLoss: -4,
  MarshallingError: -5,
  Unimplemented: -6,
  OperationTimeout: -7,
  BadArguments: -8,
  NoNode: -101,
  NoAuth: -102,
  BadVersion: -103,
  NodeExists: -110,
  SessionExpired: -112,
  InvalidACL: -114,
  AuthFailed: -115,
  SessionMoved: -118,
  NotReadOnly: -119,
  NoWatcher: -121,
  RequestTimeout: -122,
  SessionClosedRequireAuth: -124,
  QuotaExceeded: -125,
  ThrottledOp: -127,
} as const;

export type Code = (typeof CODE)[keyof typeof CODE];

export function codeName(code: number): string {
  return Object.entries(CODE).find(([, value]) => value === code)?.[0] ?? `error ${code}`;
}

/** The part of a node's record that the adapter uses. */
export interface Stat {
  /** Transaction that wrote the present content. */
  readonly mzxid: bigint;
  /** When, on the leader's clock. */
  readonly mtime: number;
  /** Counts the writes of the content, from 0. */
  readonly version: number;
  /** The session the node vanishes with, or 0. */
  readonly owner: bigint;
  /** Transaction that last created or deleted a child. */
  readonly pzxid: bigint;
}

export function readStat(from: JuteReader): Stat {
  from.skip(8); // czxid
  const mzxid = from.long();
  from.skip(8); // ctime
  const mtime = Number(from.long());
  const version = from.int();
  from.skip(8); // versions of the children and of the ACL
  const owner = from.long();
  from.skip(8); // length of the content, number of children
  const pzxid = from.long();
  return { mzxid, mtime, version, owner, pzxid };
}

export interface WatchEvent {
  readonly type: number;
  readonly path: string;
}

export function readEvent(from: JuteReader): WatchEvent {
  const type = from.int();
  from.skip(4); // state of the connection
  return { type, path: from.text() };
}

/** Whom a session is taken up again by. */
export interface SessionTicket {
  readonly id: bigint;
  readonly password: Buffer;
}

export function writeConnect(out: JuteWriter, timeoutMs: number, ticket: SessionTicket | undefined): void {
  // The newest transaction seen is left at 0: a server that is behind it, after old data was restored, would close the
  // connection without a word, for ever. Whether data went back is found out after connecting (zookeeper-era).
  out.int(0).long(0n).int(Math.min(timeoutMs, 0x7fff_ffff));
  out.long(ticket?.id ?? 0n).bytes(ticket?.password ?? Buffer.alloc(16));
  out.bool(false);
}

/** What the server granted; undefined where the session that was to be taken up is over. */
export function readConnect(from: JuteReader): { timeoutMs: number; ticket: SessionTicket } | undefined {
  from.skip(4); // protocol version
  const timeoutMs = from.int();
  const id = from.long();
  const password = Buffer.from(from.bytes() ?? []);
  return timeoutMs <= 0 || id === 0n ? undefined : { timeoutMs, ticket: { id, password } };
}
