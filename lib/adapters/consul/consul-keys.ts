/** What newer versions of Consul refuse in a key, or its web server would clean away: see `ConsulLayout`. */
const UNWELCOME = /[~% ]|(?<=^|[/.])\./g;

/**
 * Where everything is, under the registry's prefix:
 *
 *   era              what tokens begin with, see `consul-era.ts`
 *   head             touched by every write, so that its version tells how far the store has come
 *   gates/<00-ff>    keep writes that were given up from being carried out late, see `consul-gate.ts`
 *   sessions/<id>    one row per session, named after Consul's own session that it is bound to
 *   kv/<key>         the documents, under their keys as they are, except for
 *                    `~XX` (the character's code) for a tilde, a percent sign, a space, and a dot at the beginning of a
 *                    segment or after another dot. That keeps two keys apart, and every prefix a prefix.
 */
export class ConsulLayout {
  readonly era: string;
  readonly head: string;
  readonly gates: string;
  readonly sessions: string;
  private readonly documents: string;

  constructor(prefix: string) {
    this.era = `${prefix}/era`;
    this.head = `${prefix}/head`;
    this.gates = `${prefix}/gates/`;
    this.sessions = `${prefix}/sessions/`;
    this.documents = `${prefix}/kv/`;
  }

  /** Where a document is. Takes the beginning of a key as well. */
  placeOf(key: string): string {
    return this.documents + key.replace(UNWELCOME, (c) => `~${c.charCodeAt(0).toString(16).toUpperCase()}`);
  }

  keyAt(place: string): string {
    const key = place.slice(this.documents.length);
    if (!key.includes('~')) return key;
    return key.replace(/~([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  }

  /** The keys of these places, in the order of their bytes, which is Consul's own order unless something was escaped. */
  keysAt(places: readonly string[]): string[] {
    const keys = places.map((place) => this.keyAt(place));
    if (!places.some((place) => place.includes('~', this.documents.length))) return keys;
    const sortable = keys.map((key) => ({ key, bytes: Buffer.from(key) }));
    return sortable.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ key }) => key);
  }
}

/** A place as the path of a URL. */
export function pathOf(place: string): string {
  return `/v1/kv/${place.split('/').map(encodeURIComponent).join('/')}`;
}
