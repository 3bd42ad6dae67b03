import { hash32 } from '../../core/common/hash.js';

/** Nodes the documents of one folder are spread over, so that no list of children nears the limit of a message. */
const BUCKETS = 256;
/** Name of the folder of keys that have one segment only: no escaped text is a comma alone. */
const NO_FOLDER = ',';

/** The nodes one document lives in: `<docs>/<folder>/<bucket>/<leaf>`. */
export interface DocumentPlace {
  readonly bucket: string;
  readonly path: string;
}

/**
 * Where things are. Below the root, which is `<chroot>/<prefix>`:
 *
 *   era                        the era (`zookeeper-era`)
 *   clock                      written to read the server's time
 *   docs/<folder>/<bucket>/<leaf>   the documents
 *
 * The folder is the first two segments of the key, the leaf the rest of it, and the bucket a hash of the first three:
 * `shop/tasks/report` is `docs/shop,tasks/6c/report`, and all of `shop/history/report/…` is in one bucket. A key of two
 * segments is in the folder of its first one. Characters that ZooKeeper does not take, the comma and the percent sign
 * are written as in a URL; so every key has one path, and two keys never the same.
 */
export class ZookeeperLayout {
  readonly root: string;
  readonly era: string;
  readonly clock: string;
  readonly docs: string;

  constructor(chroot: string, prefix: string) {
    this.root = `${chroot}/${prefix}`;
    this.era = `${this.root}/era`;
    this.clock = `${this.root}/clock`;
    this.docs = `${this.root}/docs`;
  }

  placeOf(key: string): DocumentPlace {
    const at = endOfFolder(key);
    const bucket = this.bucketOf(key, at < 0 ? NO_FOLDER : escape(key.slice(0, at)));
    return { bucket, path: `${bucket}/${escape(key.slice(at + 1))}` };
  }

  /** The key of a document's node; undefined for other nodes. */
  keyOf(path: string): string | undefined {
    if (!path.startsWith(`${this.docs}/`)) return undefined;
    const [folder, bucket, leaf] = path.slice(this.docs.length + 1).split('/');
    if (folder === undefined || bucket === undefined || leaf === undefined) return undefined;
    return this.keyIn(folder, leaf);
  }

  keyIn(folder: string, leaf: string): string | undefined {
    const [start, rest] = [folderPrefix(folder), unescape(leaf)];
    return start === undefined || rest === undefined ? undefined : start + rest;
  }

  /** Whether keys with this prefix may be in that folder. */
  mayHold(folder: string, prefix: string): boolean {
    const start = folderPrefix(folder);
    return start !== undefined && (start.startsWith(prefix) || prefix.startsWith(start));
  }

  /** The one folder that all keys with this prefix are in, if there is one. */
  folderUnder(prefix: string): string | undefined {
    const [first, second, third] = prefix.split('/', 3);
    return third === undefined ? undefined : escape(`${first}/${second}`);
  }

  /** The one bucket that all keys with this prefix are in, if there is one. */
  bucketUnder(prefix: string): string | undefined {
    const folder = this.folderUnder(prefix);
    return folder === undefined || prefix.split('/', 4).length < 4 ? undefined : this.bucketOf(prefix, folder);
  }

  private bucketOf(key: string, folder: string): string {
    const number = hash32(key.split('/', 3).join('/')) % BUCKETS;
    return `${this.docs}/${folder}/${number.toString(16).padStart(2, '0')}`;
  }
}

/** Where the folder's segments end: before the last slash, and after two segments at most. */
function endOfFolder(key: string): number {
  const first = key.indexOf('/');
  const second = key.indexOf('/', first + 1);
  return first < 0 || second < 0 ? first : second;
}

/** What the keys in a folder begin with. */
function folderPrefix(folder: string): string | undefined {
  if (folder === NO_FOLDER) return '';
  const segments = unescape(folder);
  return segments === undefined ? undefined : `${segments}/`;
}

/** The server's own rules for names, see `PathUtils`; the slash becomes a comma. */
const UNWRITABLE = /[%,\p{Cc}\ud800-\udfff\ue000-\uf8ff\ufff0-\uffff\u{10000}-\u{10ffff}]/gu;

function escape(text: string): string {
  if (/^\.\.?$/.test(text)) return text.replaceAll('.', '%2E');
  return text.replace(UNWRITABLE, encodeURIComponent).replaceAll('/', ',');
}

/** Undefined for a name that no key of ours has. */
function unescape(name: string): string | undefined {
  try {
    return decodeURIComponent(name.replaceAll(',', '/'));
  } catch {
    return undefined;
  }
}

/** In the order of the bytes of their UTF-8 form. It differs from that of strings only beside halves of surrogate pairs. */
export function sortKeys(keys: string[]): string[] {
  if (!keys.some((key) => /[\ud800-\udfff]/.test(key))) return keys.sort();
  return keys.sort(compareBytes);
}

export function isAfter(key: string, other: string): boolean {
  return /[\ud800-\udfff]/.test(key + other) ? compareBytes(key, other) > 0 : key > other;
}

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
