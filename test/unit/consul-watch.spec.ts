import { describe, expect, it } from '@jest/globals';
import { ConsulLayout } from '../../lib/adapters/consul/consul-keys.js';
import { WatchedPrefix, type WatchStore } from '../../lib/adapters/consul/consul-watched-prefix.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';

describe('a watch on Consul that fails', () => {
  it('tells it once, tries again less and less often, and tells why until it works again', async () => {
    let failure: string | undefined;
    const pauses: number[] = [];
    const warnings: unknown[] = [];
    const request = async (): Promise<object> => {
      if (failure === undefined) return { status: 404, text: '', index: 0, loadMs: 0 };
      throw new RegistryUnavailableError(failure, { outcomeUnknown: true });
    };
    const era = { current: { base: 1n, index: 1 }, read: async () => ({}) };
    const store = { connection: { request }, era, layout: new ConsulLayout('nds') } as unknown as WatchStore;
    const clock = {
      ...systemClock,
      setTimer: (delayMs: number, fn: () => void) => {
        pauses.push(delayMs);
        return systemClock.setTimer(0, fn);
      },
    };
    const logger = { ...SILENT_LOGGER, warn: (...what: unknown[]) => void warnings.push(what) };
    const watched = new WatchedPrefix('ns/docs/', store, clock, logger);
    await watched.add({ tell: () => undefined });
    expect(watched.problem).toBeUndefined();
    failure = 'too slow';
    await eventually('it has given up often', () => pauses.includes(10_000));
    const told = { prefix: 'ns/docs/', problem: 'too slow' };
    expect(warnings).toEqual([[expect.stringContaining('A watch on Consul has failed'), told]]);
    expect(watched.problem).toBe('too slow');
    expect(pauses.filter((ms) => ms >= 100 && ms < 10_000).slice(-7)).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 6_400,
    ]);
    failure = undefined;
    await eventually('it works again', () => watched.problem === undefined);
    watched.stop();
    await watched.ended;
  });
});
