import { describe, expect, it } from '@jest/globals';
import { Era } from '../../lib/adapters/etcd/etcd-era.js';
import { EtcdLayout } from '../../lib/adapters/etcd/etcd-keys.js';
import { listPage } from '../../lib/adapters/etcd/etcd-list.js';
import type { EtcdStore } from '../../lib/adapters/etcd/etcd-store.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';

const layout = new EtcdLayout('nds');
const era = Era.begin(1n);
const keys = Array.from({ length: 40 }, (_, i) => layout.keyOf(`ns/${String(i).padStart(2, '0')}`));

/** Answers pages of up to 10 documents; more do not fit into a message. */
const store = {
  layout,
  async transact(build: EtcdStore['transact'] extends (operations: infer O) => unknown ? O : never) {
    const { key, limit = 0 } = build(era)[0]!.requestRange!;
    if (limit > 10)
      throw new RegistryUnavailableError('Received message larger than max (2 vs 1)', { outcomeUnknown: true });
    const rest = keys.filter((one) => Buffer.compare(one, key) >= 0);
    const kvs = rest
      .slice(0, limit)
      .map((one) => ({ key: one, value: Buffer.from('v'), modRevision: '1', lease: '0' }));
    return { era, revision: '1', responses: [{ responseRange: { kvs, more: rest.length > limit } }] };
  },
} as unknown as EtcdStore;

describe('a list of large documents', () => {
  it('comes in pages that fit into a message, each document once', async () => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await listPage(store, 'ns/', after === undefined ? { limit: 1_000 } : { limit: 1_000, after });
      expect(page.entries.length).toBeLessThanOrEqual(10);
      seen.push(...page.entries.map(({ key }) => key));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(keys.map((key) => layout.documentOf(key)));
  });
});
