import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../lib/core/common/clock.js';
import type { AdapterTuning } from '../../lib/core/registry/adapter-options.js';
import { guardRegistry } from '../../lib/core/registry/guarded-registry.js';
import { withNamespace } from '../../lib/core/registry/keyspace.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { describeRegistryConformance } from '../../lib/testing/conformance/conformance.js';
import type { RegistryLab } from './registry-lab.js';

interface Variant {
  prefix: string;
  tuning?: AdapterTuning;
  wrap: (registry: Registry) => Registry;
}

const quick: AdapterTuning = { callTimeout: '1s', connectTimeout: '2s' };
const variants: Record<string, Variant> = {
  bare: { prefix: '', wrap: (registry) => registry },
  guarded: { prefix: '', tuning: quick, wrap: (registry) => guardRegistry(registry, { clock: systemClock }) },
  'in a namespace': {
    prefix: 'shop/',
    tuning: quick,
    wrap: (registry) => withNamespace(guardRegistry(registry, { clock: systemClock }), 'shop'),
  },
};

/** Fetching the program of the server on a fresh machine is in this time. */
const START_MS = 180_000;

/** The whole ladder on one real server: bare, guarded, and seen from inside a namespace. */
export function describeConformanceOf(name: string, start: () => Promise<RegistryLab>): void {
  let lab: RegistryLab;
  beforeAll(async () => {
    lab = await start();
  }, START_MS);
  afterAll(() => lab?.stop());

  Object.entries(variants).forEach(([variant, { prefix, tuning, wrap }], i) =>
    describeRegistryConformance(
      { describe, it, expect },
      {
        name: `${name}, ${variant}`,
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
      },
    ),
  );
}
