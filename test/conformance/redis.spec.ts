import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisTuning } from '../../lib/adapters/redis/redis-options.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { guardRegistry } from '../../lib/core/registry/guarded-registry.js';
import { withNamespace } from '../../lib/core/registry/keyspace.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { describeRegistryConformance } from '../../lib/testing/conformance/conformance.js';
import { RedisLab } from '../support/redis-lab.js';

const runner = { describe, it, expect };
let lab: RedisLab;
beforeAll(async () => {
  lab = await RedisLab.start();
});
afterAll(() => lab.stop());

interface Variant {
  prefix: string;
  tuning?: RedisTuning;
  wrap: (registry: Registry) => Registry;
}

const quick: RedisTuning = { callTimeout: '1s', connectTimeout: '2s' };
const variants: Record<string, Variant> = {
  redis: { prefix: '', wrap: (registry) => registry },
  'redis, guarded': { prefix: '', tuning: quick, wrap: (registry) => guardRegistry(registry, { clock: systemClock }) },
  'redis, in a namespace': {
    prefix: 'shop/',
    tuning: quick,
    wrap: (registry) => withNamespace(guardRegistry(registry, { clock: systemClock }), 'shop'),
  },
};

Object.entries(variants).forEach(([name, { prefix, tuning, wrap }], i) =>
  describeRegistryConformance(runner, {
    name,
    create: async () => wrap(await lab.proxied(tuning)),
    peek: (key) => lab.peek(prefix + key),
    faults: {
      cut: () => lab.faults.cut(),
      partition: () => lab.faults.partition(),
      loseReplies: () => lab.faults.loseReplies(),
      heal: () => lab.faults.heal(),
      direct: async () => wrap(await lab.direct(tuning)),
    },
    seed: i + 1,
  }),
);
