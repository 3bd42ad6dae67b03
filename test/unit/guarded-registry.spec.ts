import { describe, expect, it } from '@jest/globals';
import { MemoryRegistry } from '../../lib/adapters/memory/memory-registry.js';
import { systemClock, type Clock } from '../../lib/core/common/clock.js';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import { guardRegistry } from '../../lib/core/registry/guarded-registry.js';
import type { Registry } from '../../lib/core/registry/registry.js';

const guard = (overrides: Partial<Registry> = {}, clock: Clock = systemClock): Registry =>
  guardRegistry(Object.assign(new MemoryRegistry(), overrides), { clock, deadlineMs: 1_000 });
/** Its timers go off at once. */
const impatient: Clock = { ...systemClock, setTimer: (_delayMs, fn) => systemClock.setTimer(0, fn) };
const refused = (pattern: RegExp) => ({ code: 'REGISTRY_REFUSED', message: expect.stringMatching(pattern) });

describe('a guarded registry', () => {
  it.each<[string, string, RegExp]>([
    ['an empty key', '', /at least one character/],
    ['a slash in front', '/a', /empty segment/],
    ['a slash behind', 'a/', /empty segment/],
    ['two slashes', 'a//b', /empty segment/],
    ['a line end', 'a\nb', /control character/],
    ['half a surrogate pair', 'a\ud800', /surrogate/],
    ['a very long key', 'é'.repeat(513), /1026 bytes, at most 1024/],
  ])('refuses %s before anything is sent', async (_name, key, pattern) => {
    const commit = (): never => {
      throw new Error('sent');
    };
    await expect(guard().get(key)).rejects.toMatchObject(refused(pattern));
    await expect(
      guard({ commit }).commit([
        { key: 'fine', value: '' },
        { key, value: '' },
      ]),
    ).rejects.toMatchObject(refused(pattern));
  });

  it('refuses values that are too large or cannot be stored', async () => {
    const capabilities = { ...new MemoryRegistry().capabilities, maxValueBytes: 10 };
    const registry = guard({ capabilities });
    await expect(registry.commit([{ key: 'a', value: 'é'.repeat(6) }])).rejects.toMatchObject(
      refused(/a takes 12 bytes, the store takes 10/),
    );
    await expect(registry.commit([{ key: 'a', value: '\udc00' }])).rejects.toMatchObject(refused(/surrogate/));
    await expect(registry.commit([{ key: 'a', value: 1 as never }])).rejects.toMatchObject(refused(/not a text/));
    await expect(registry.commit([{ key: 'a', value: 'é'.repeat(5) }])).resolves.toMatchObject([{ ok: true }]);
  });

  it('refuses pages and sessions that make no sense', async () => {
    await expect(guard().list('a', { limit: 0 })).rejects.toMatchObject(refused(/0 entries/));
    await expect(guard().openSession({ ttlMs: Number.NaN })).rejects.toMatchObject(refused(/NaN ms/));
    await expect(guard().watch('a//', () => undefined)).rejects.toMatchObject(refused(/empty segment/));
  });

  it('refuses everything once it is closed, and closes once', async () => {
    let closed = 0;
    const registry = guard({ close: async () => void closed++ });
    const session = await registry.openSession({ ttlMs: 50 });
    await Promise.all([registry.close(), registry.close()]);
    expect(closed).toBe(1);
    for (const call of [registry.get('a'), registry.commit([{ key: 'a' }]), registry.connect(), session.renew()]) {
      await expect(call).rejects.toMatchObject(refused(/is closed/));
    }
  });

  it('turns foreign errors into an unknown outcome, also those thrown at once', async () => {
    const error = new TypeError('x is not a function');
    const thrown = guard({
      get: () => {
        throw error;
      },
    });
    await expect(thrown.get('a')).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      outcomeUnknown: true,
      cause: error,
    });
    await expect(guard({ commit: () => Promise.reject(error) }).commit([{ key: 'a' }])).rejects.toMatchObject({
      outcomeUnknown: true,
    });
  });

  it('ends a call that would hang for ever', async () => {
    const hangs = guard({ get: () => new Promise(() => undefined) }, impatient);
    await expect(hangs.get('a')).rejects.toMatchObject({
      outcomeUnknown: true,
      message: expect.stringContaining('within 1000 ms'),
    });
  });

  it('logs a listener that throws, and goes on', async () => {
    const lines: string[] = [];
    const logger = { ...SILENT_LOGGER, error: (message: string) => void lines.push(message) };
    const registry = guardRegistry(new MemoryRegistry(), { clock: systemClock, logger });
    let calls = 0;
    await registry.watch('a/', () => {
      calls++;
      throw new Error('boom');
    });
    await registry.commit([
      { key: 'a/1', value: '' },
      { key: 'a/2', value: '' },
    ]);
    expect([calls, lines.length]).toEqual([2, 2]);
  });
});
