import { afterEach, describe, expect, it } from '@jest/globals';
import type { Registry, Write } from '../../lib/core/registry/registry.js';
import { mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { EtcdLab } from '../support/etcd-lab.js';

const TEST_MS = 60_000;
const UNKNOWN = { code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true };

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

describe('the etcd registry at the limits of its server', () => {
  let lab: EtcdLab | undefined;
  let registry: Registry;
  const start = async (...args: string[]): Promise<void> => {
    lab = await EtcdLab.start({ killable: true, args });
    registry = await lab.direct();
    await registry.connect();
  };
  afterEach(async () => {
    await registry?.close();
    await lab?.stop();
  });

  it(
    'knows not what was done when the database is full, says what to do, still claims and reads',
    async () => {
      await start('--quota-backend-bytes', String(8 * 1024 ** 2));
      await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
      const write = (i: number): Promise<unknown> =>
        outcomeOf(registry.commit([{ key: `ns/docs/${i}`, value: 'x'.repeat(250_000) }]));
      let failures: unknown[] = [];
      for (let round = 0; failures.length === 0 && round < 20; round++) {
        const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => write(10 * round + i)));
        failures = outcomes.filter((outcome) => outcome instanceof Error);
      }
      const full = {
        ...UNKNOWN,
        message: expect.stringMatching(/database space exceeded.*defragment.*alarm disarm.*may have been carried out/),
      };
      // Some of these may be in the store, and the server does not say which.
      expect(failures.length).toBeGreaterThan(0);
      expect(failures).toEqual(failures.map(() => expect.objectContaining(full)));

      const claim: Write = { key: 'ns/units/u@1', value: 'mine', if: 'absent' };
      const both = [{ key: 'ns/history/u/1', value: '1' }, claim, { key: 'ns/history/u/2', value: '2' }];
      expect(await outcomeOf(registry.commit(both))).toMatchObject(full);
      expect((await mustGet(registry, claim.key)).value).toBe('mine');
      expect(await lab!.peek('ns/history/u/1')).toBeUndefined();
      expect((await mustGet(registry, 'ns/docs/a')).value).toBe('1');
      expect((await registry.describe()).warnings.join()).toMatch(/etcd reports: .*NOSPACE/);
    },
    TEST_MS,
  );

  it(
    'knows not what was done when one transaction was refused and another one was not',
    async () => {
      await start('--max-txn-ops', '50');
      const writes = Array.from({ length: 130 }, (_, i): Write => ({ key: `ns/docs/${i}`, value: '1' }));
      const refused = expect.stringMatching(/too many operations.*raise --max-txn-ops/);
      expect(await outcomeOf(registry.commit(writes.slice(0, 100)))).toMatchObject({
        code: 'REGISTRY_REFUSED',
        message: refused,
      });
      expect(await outcomeOf(registry.commit(writes))).toMatchObject({ ...UNKNOWN, message: refused });
      expect(await registry.get('ns/docs/0')).toBeUndefined();
      expect((await mustGet(registry, 'ns/docs/129')).value).toBe('1');
    },
    TEST_MS,
  );
});
