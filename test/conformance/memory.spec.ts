import { describe, expect, it } from '@jest/globals';
import { MemoryRegistry } from '../../lib/adapters/memory/memory-registry.js';
import { MemoryStore } from '../../lib/adapters/memory/memory-store.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { guardRegistry } from '../../lib/core/registry/guarded-registry.js';
import { withNamespace } from '../../lib/core/registry/keyspace.js';
import { describeRegistryConformance } from '../../lib/testing/conformance/conformance.js';

const runner = { describe, it, expect };
const store = new MemoryStore(systemClock);
const bare = (): MemoryRegistry => new MemoryRegistry({ store });
const peek = async (key: string): Promise<string | undefined> => store.get(key)?.value;
const guarded = () => guardRegistry(bare(), { clock: systemClock });

describeRegistryConformance(runner, { name: 'memory', create: bare, peek });
describeRegistryConformance(runner, { name: 'memory, guarded', create: guarded, peek, seed: 2 });
describeRegistryConformance(runner, {
  name: 'memory, in a namespace',
  create: () => withNamespace(guarded(), 'shop'),
  peek: (key) => peek(`shop/${key}`),
  seed: 3,
});
