import type { Entry, Page } from '../../core/registry/registry.js';
import { getChildren, getData } from './wire/requests.js';
import { entryOf } from './zookeeper-document.js';
import { isAfter, sortKeys, type DocumentPlace, type ZookeeperLayout } from './zookeeper-keys.js';
import type { ZookeeperLink } from './zookeeper-link.js';

const LONGEST_PAGE = 1_000;
/** A page ends early rather than growing much beyond this. */
const PAGE_LENGTH = 1_000_000;
/** While it is not known how long the documents are: a thousand of the longest would be a gigabyte. */
const FIRST_READS = 10;
/** Lists that can be under way without reading their names again for each page. */
const WALKS = 4;

/** The keys of one bucket, as they are until its children change. */
interface Bucket {
  readonly changedBy: bigint;
  readonly keys: readonly string[];
}

/** The names a list has read so far: between two pages only buckets are read again whose children changed. */
interface Walk {
  readonly link: ZookeeperLink;
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** All of them, in key order. */
  readonly keys: readonly string[];
  /** How many documents make a page, as far as it has been seen. */
  readonly reads: number;
}

/**
 * Lists documents in key order although they are spread over buckets: all names come first, then the contents of one
 * page. Nothing that is read is older than the beginning of the list, and a watch on the same connection tells the rest.
 */
export class ZookeeperLists {
  private readonly walks = new Map<string, Walk>();

  constructor(
    private readonly layout: ZookeeperLayout,
    private readonly onGrave: (place: DocumentPlace, version: number) => void,
  ) {}

  async page(link: ZookeeperLink, prefix: string, page: Page): Promise<{ entries: Entry[]; next?: string }> {
    const { limit = LONGEST_PAGE, after } = page;
    const walk = await this.walk(link, prefix, this.take(link, `${prefix}\n${after}`));
    const { entries, rest, reads } = await this.read(walk, after, Math.min(limit, LONGEST_PAGE));
    if (rest === undefined) return { entries };
    this.walks.set(`${prefix}\n${rest}`, { ...walk, reads });
    if (this.walks.size > WALKS) this.walks.delete(this.walks.keys().next().value!);
    return { entries, next: rest };
  }

  private take(link: ZookeeperLink, name: string): Walk | undefined {
    const walk = this.walks.get(name);
    this.walks.delete(name);
    return walk?.link === link ? walk : undefined;
  }

  private async walk(link: ZookeeperLink, prefix: string, before: Walk | undefined): Promise<Walk> {
    const [, paths] = await Promise.all([link.barrier(), this.bucketsUnder(link, prefix)]);
    const read = paths.map((path) => this.readBucket(link, path, prefix, before?.buckets.get(path)));
    const buckets = new Map((await Promise.all(read)).map((bucket, i) => [paths[i]!, bucket]));
    const isSame =
      before?.buckets.size === buckets.size && paths.every((path) => before.buckets.get(path) === buckets.get(path));
    const keys = isSame ? before!.keys : sortKeys([...buckets.values()].flatMap((bucket) => bucket.keys));
    return { link, buckets, keys, reads: before?.reads ?? FIRST_READS };
  }

  private async bucketsUnder(link: ZookeeperLink, prefix: string): Promise<string[]> {
    const bucket = this.layout.bucketUnder(prefix);
    if (bucket !== undefined) return [bucket];
    const folder = this.layout.folderUnder(prefix);
    const folders = folder === undefined ? await namesIn(link, this.layout.docs) : [folder];
    const lists = folders
      .filter((name) => this.layout.mayHold(name, prefix))
      .map((name) => `${this.layout.docs}/${name}`)
      .map(async (path) => (await namesIn(link, path)).map((name) => `${path}/${name}`));
    return (await Promise.all(lists)).flat();
  }

  private async readBucket(
    link: ZookeeperLink,
    path: string,
    prefix: string,
    before: Bucket | undefined,
  ): Promise<Bucket> {
    if (before) {
      const { value } = await link.call(getData(path), path);
      if (value?.stat.pzxid === before.changedBy) return before;
    }
    const { value } = await link.call(getChildren(path), path);
    if (!value) return { changedBy: -1n, keys: [] };
    const keys = value.names.map((leaf) => this.layout.keyOf(`${path}/${leaf}`));
    return { changedBy: value.stat.pzxid, keys: keys.filter((key) => key?.startsWith(prefix)) as string[] };
  }

  /** The documents behind a key, and the last key looked at where there are more. */
  private async read(
    { link, keys, reads }: Walk,
    after: string | undefined,
    limit: number,
  ): Promise<{ entries: Entry[]; rest: string | undefined; reads: number }> {
    const first = after === undefined ? 0 : indexAfter(keys, after);
    const entries: Entry[] = [];
    let next = first;
    for (let length = 0; next < keys.length && next - first < limit && length < PAGE_LENGTH;) {
      const some = keys.slice(next, Math.min(next + reads, first + limit));
      for (const entry of await Promise.all(some.map((key) => this.entry(link, key)))) {
        if (!entry) continue;
        entries.push(entry);
        length += entry.value.length;
      }
      next += some.length;
      reads = Math.ceil((PAGE_LENGTH * (next - first)) / Math.max(PAGE_LENGTH / 10, length));
    }
    return { entries, rest: next < keys.length ? keys[next - 1] : undefined, reads };
  }

  private async entry(link: ZookeeperLink, key: string): Promise<Entry | undefined> {
    const place = this.layout.placeOf(key);
    const { value } = await link.call(getData(place.path), key);
    if (value?.data === null && value.stat.owner === 0n) this.onGrave(place, value.stat.version);
    return value && entryOf(link.era, key, value);
  }
}

async function namesIn(link: ZookeeperLink, path: string): Promise<readonly string[]> {
  return (await link.call(getChildren(path), path)).value?.names ?? [];
}

/** Where the first key behind this one is. */
function indexAfter(keys: readonly string[], after: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(keys[middle]!, after)) high = middle;
    else low = middle + 1;
  }
  return low;
}
