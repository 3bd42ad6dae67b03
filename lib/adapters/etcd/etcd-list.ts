import type { Entry, Page } from '../../core/registry/registry.js';
import { entryOf } from './etcd-document.js';
import { isTooLargeToReceive } from './etcd-errors.js';
import type { EtcdStore } from './etcd-store.js';

const LONGEST_PAGE = 1_000;

/** One page in the order of keys. The server bounds pages by their number only, so large documents make a page shorter. */
export async function listPage(
  store: EtcdStore,
  prefix: string,
  { limit = LONGEST_PAGE, after }: Page,
): Promise<{ entries: Entry[]; next?: string }> {
  const range = store.layout.rangeOf(prefix, after);
  for (let size = Math.min(limit, LONGEST_PAGE); ; size = Math.ceil(size / 8)) {
    const answer = await store
      .transact(() => [{ requestRange: { ...range, limit: size } }])
      .catch((error: unknown) => {
        if (size > 1 && isTooLargeToReceive(error)) return undefined;
        throw error;
      });
    if (!answer) continue;
    const { kvs, more } = answer.responses[0]!.responseRange!;
    const all = kvs.map((kv) => entryOf(kv, answer.era, store.layout));
    const entries = all.filter(({ key }) => store.layout.isDocument(key));
    return more ? { entries, next: all.at(-1)!.key } : { entries };
  }
}
