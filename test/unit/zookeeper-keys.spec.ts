import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAfter, sortKeys, ZookeeperLayout } from '../../lib/adapters/zookeeper/zookeeper-keys.js';
import { keyProblem, prefixProblem } from '../../lib/core/registry/registry-arguments.js';

const layout = new ZookeeperLayout('/apps', 'nds');
const segment = fc.oneof(
  fc.string({ minLength: 1, maxLength: 6, unit: 'binary' }),
  fc.constantFrom('.', '..', ',', '%', '%2C', 'a,b', '\ue000', '\uffff', '🎉', '~', 'é', 'a', 'ab'),
);
const key = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join('/'))
  .filter((text) => keyProblem(text) === undefined);

/** What the server refuses in a path (`PathUtils.validatePath`), on UTF-16 units as it looks at them. */
function isPath(path: string): boolean {
  if (!/^(\/[^/]+)+$/.test(path) || /\/\.{1,2}(\/|$)/.test(path)) return false;
  return Array.from({ length: path.length }, (_, i) => path.charCodeAt(i)).every((code) => {
    return !(code <= 0x1f || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0);
  });
}

describe('the nodes of ZooKeeper documents', () => {
  it.each([
    ['shop/tasks/report', /^\/apps\/nds\/docs\/shop,tasks\/[0-9a-f]{2}\/report$/],
    ['shop/history/report@1/17', /^\/apps\/nds\/docs\/shop,history\/[0-9a-f]{2}\/report@1,17$/],
    ['shop/cluster', /^\/apps\/nds\/docs\/shop\/[0-9a-f]{2}\/cluster$/],
    ['alone', /^\/apps\/nds\/docs\/,\/[0-9a-f]{2}\/alone$/],
    ['shop/tasks/a,b%/..', /^\/apps\/nds\/docs\/shop,tasks\/[0-9a-f]{2}\/a%2Cb%25,\.\.$/],
    ['shop/tasks/..', /^\/apps\/nds\/docs\/shop,tasks\/[0-9a-f]{2}\/%2E%2E$/],
  ])('can be read: %s', (text, path) => {
    expect(layout.placeOf(text).path).toMatch(path);
  });

  it('are paths that the server takes, and tell their key', () => {
    fc.assert(
      fc.property(key, (text) => {
        const { path, bucket } = layout.placeOf(text);
        expect(isPath(path)).toBe(true);
        expect(path.startsWith(`${bucket}/`)).toBe(true);
        expect(layout.keyOf(path)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are found under every prefix of their key', () => {
    fc.assert(
      fc.property(key, fc.nat(), (text, length) => {
        const prefix = text.slice(0, length % (text.length + 1));
        if (prefixProblem(prefix) !== undefined) return;
        const { bucket } = layout.placeOf(text);
        const folder = bucket.slice(layout.docs.length + 1, bucket.lastIndexOf('/'));
        expect(layout.mayHold(folder, prefix)).toBe(true);
        expect([undefined, folder]).toContain(layout.folderUnder(prefix));
        expect([undefined, bucket]).toContain(layout.bucketUnder(prefix));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keep what belongs together in one bucket, and spread the rest', () => {
    const slots = Array.from({ length: 50 }, (_, i) => layout.placeOf(`shop/history/unit/${i}`).bucket);
    expect(new Set(slots)).toEqual(new Set([layout.bucketUnder('shop/history/unit/')]));
    const tasks = Array.from({ length: 5_000 }, (_, i) => layout.placeOf(`shop/tasks/t${i}`).bucket);
    expect(new Set(tasks).size).toBe(256);
  });

  it('do not mistake other nodes for documents', () => {
    const others = ['/apps/nds/era', layout.docs, `${layout.docs}/a`, `${layout.docs}/a/00`, `${layout.docs}/a/00/%`];
    expect(others.map((path) => layout.keyOf(path))).toEqual(others.map(() => undefined));
  });

  it('come in the order of their bytes', () => {
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(sortKeys([...keys])).toEqual(sorted);
        sorted.slice(1).forEach((text, i) => expect(isAfter(text, sorted[i]!)).toBe(text !== sorted[i]));
      }),
    );
  });
});
