import { describe, expect, it } from '@jest/globals';
import type { WireRequest } from '../../lib/adapters/zookeeper/wire/requests.js';
import { ZookeeperLayout } from '../../lib/adapters/zookeeper/zookeeper-keys.js';
import type { ZookeeperLink } from '../../lib/adapters/zookeeper/zookeeper-link.js';
import { ZookeeperLists } from '../../lib/adapters/zookeeper/zookeeper-list.js';

describe('a list of ZooKeeper', () => {
  it('asks for few documents until it is known how long they are, and then for about a page', async () => {
    const layout = new ZookeeperLayout('', 'nds');
    const keys = Array.from({ length: 100 }, (_, i) => `ns/long/x/${100 + i}`);
    const names = keys.map((key) => layout.placeOf(key).path.split('/').at(-1)!);
    const stat = { mzxid: 1n, mtime: 0, version: 0, owner: 0n, pzxid: 1n };
    let reads = 0;
    const call = async ({ name }: WireRequest<unknown>, what: string): Promise<unknown> => {
      if (name === 'getChildren2') return { value: { names, stat } };
      if (keys.includes(what)) reads++;
      return { value: { data: 'x'.repeat(500_000), stat } };
    };
    const link = { era: { id: 'a', base: 0n }, barrier: async () => undefined, call } as unknown as ZookeeperLink;
    const lists = new ZookeeperLists(layout, () => undefined);

    const first = await lists.page(link, 'ns/long/x/', {});
    expect([reads, first.entries.length]).toEqual([10, 10]);
    reads = 0;
    const second = await lists.page(link, 'ns/long/x/', { after: first.next! });
    expect([reads, second.entries.map(({ key }) => key)]).toEqual([2, keys.slice(10, 12)]);
  });
});
