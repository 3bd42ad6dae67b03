import { JuteWriter, type JuteReader } from './jute.js';
import { CODE, OP, readStat, type Stat } from './protocol.js';

/** One request and how its answer reads. */
export interface WireRequest<T> {
  readonly type: number;
  readonly name: string;
  readonly write: (out: JuteWriter) => void;
  /** A number is a code: of several operations sent as one, the one that failed says why here. */
  readonly read: (from: JuteReader) => T | number;
}

/** Who may use the nodes we make: everybody, or only who is authenticated as the one who made them. */
export type Access = 'world' | 'creator';

export interface NewNode {
  readonly path: string;
  /** `null`: a node without content, which is another thing than an empty text. */
  readonly data: string | null;
  readonly ephemeral: boolean;
  readonly access: Access;
}

export interface NodeContent {
  readonly data: string | null;
  readonly stat: Stat;
}

const ALL_PERMISSIONS = 31;
const nothing = (): undefined => undefined;

function writeCreate(out: JuteWriter, { path, data, ephemeral, access }: NewNode): void {
  const [scheme, id] = access === 'world' ? ['world', 'anyone'] : ['auth', ''];
  out.text(path).text(data).int(1).int(ALL_PERMISSIONS).text(scheme!).text(id!);
  out.int(ephemeral ? 1 : 0);
}

function readCreated(from: JuteReader): Stat {
  from.text(); // its path
  return readStat(from);
}

const reading = <T>(name: keyof typeof OP, path: string, read: (from: JuteReader) => T): WireRequest<T> => ({
  type: OP[name],
  name,
  write: (out) => void out.text(path).bool(false), // no one-shot watch
  read,
});

export const getData = (path: string): WireRequest<NodeContent> =>
  reading('getData', path, (from) => ({ data: from.optionalText(), stat: readStat(from) }));

export const getChildren = (path: string): WireRequest<{ names: string[]; stat: Stat }> =>
  reading('getChildren2', path, (from) => ({ names: from.texts(), stat: readStat(from) }));

export const create = (node: NewNode): WireRequest<Stat> => ({
  type: OP.create2,
  name: 'create2',
  write: (out) => writeCreate(out, node),
  read: readCreated,
});

/** @param version -1 for any */
export const setData = (path: string, data: string | null, version: number): WireRequest<Stat> => ({
  type: OP.setData,
  name: 'setData',
  write: (out) => void out.text(path).text(data).int(version),
  read: readStat,
});

export const remove = (path: string, version: number): WireRequest<undefined> => ({
  type: OP.delete,
  name: 'delete',
  write: (out) => void out.text(path).int(version),
  read: nothing,
});

/** Tells of every change of the node and of all nodes below it, until the connection ends. */
export const watchTree = (path: string): WireRequest<undefined> => ({
  type: OP.addWatch,
  name: 'addWatch',
  write: (out) => void out.text(path).int(1),
  read: nothing,
});

export const unwatch = (path: string): WireRequest<undefined> => ({
  type: OP.removeWatches,
  name: 'removeWatches',
  write: (out) => void out.text(path).int(3),
  read: nothing,
});

export const closeSession = (): WireRequest<undefined> => ({
  type: OP.closeSession,
  name: 'closeSession',
  write: () => undefined,
  read: nothing,
});

/** All of them or none, in one transaction. The last one must be `setData`, whose answer is that of the whole. */
export function atomically(parts: readonly WireRequest<unknown>[]): WireRequest<Stat> {
  return {
    type: OP.multi,
    name: 'multi',
    write: (out) => {
      for (const part of parts) {
        out.int(part.type).bool(false).int(-1);
        part.write(out);
      }
      out.int(-1).bool(true).int(-1);
    },
    read: readResults,
  };
}

/** What the server did says how each answer reads: it answers `create2` as the older `create`. */
function readResults(from: JuteReader): Stat | number {
  let last: Stat | undefined;
  for (;;) {
    const type = from.int();
    const isEnd = from.bool();
    from.skip(4); // a code that an error repeats
    if (isEnd) return last ?? CODE.SystemError;
    if (type === -1) {
      const code = from.int();
      // Before the part that failed stand zeros, behind it stands that the rest was not tried.
      if (code !== 0 && code !== CODE.RuntimeInconsistency) return code;
    } else if (type === OP.create) from.text();
    else if (type === OP.create2) readCreated(from);
    else if (type === OP.setData) last = readStat(from);
  }
}

export function frameOf(xid: number, request: { type: number; write: (out: JuteWriter) => void }): Buffer {
  const out = new JuteWriter().int(xid).int(request.type);
  request.write(out);
  return out.frame();
}
