/**
 * Where documents live in etcd: the document `shop/tasks/report` is the key `nds/shop/tasks/report`. Keys of etcd are
 * bytes, so nothing needs escaping, two documents never share a key, and the order of keys is that of their UTF-8. What
 * the adapter keeps for itself has an empty segment, which no document's key has.
 */
export class EtcdLayout {
  /** Holds the era; see `etcd-era.ts`. */
  readonly eraKey: Buffer;
  /** Bound to the lease of a session by deletions on its behalf, which so fail when it is over. */
  readonly proofKey: Buffer;
  private readonly root: string;

  constructor(prefix: string) {
    this.root = `${prefix}/`;
    this.eraKey = Buffer.from(`${this.root}/era`);
    this.proofKey = Buffer.from(`${this.root}/session`);
  }

  keyOf(document: string): Buffer {
    return Buffer.from(this.root + document);
  }

  documentOf(key: Buffer): string {
    return key.toString('utf8', Buffer.byteLength(this.root));
  }

  isDocument(document: string): boolean {
    return !document.startsWith('/');
  }

  /** All keys with this prefix, or those of them after the one given. */
  rangeOf(documentPrefix: string, after?: string): { key: Buffer; rangeEnd: Buffer } {
    const key = this.keyOf(documentPrefix);
    const rangeEnd = Buffer.from(key);
    // No byte of UTF-8 is 0xff.
    rangeEnd[rangeEnd.length - 1]! += 1;
    return { key: after === undefined ? key : this.keyOf(`${after}\0`), rangeEnd };
  }
}
