import { systemClock } from '../../lib/core/common/clock.js';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import { listAll, withNamespace } from '../../lib/core/registry/keyspace.js';
import type { Entry, Registry } from '../../lib/core/registry/registry.js';
import type { RegistryOptions } from '../../lib/index.js';
import { createRegistry } from '../../lib/nest/options/registries.js';

/** Looks at the documents of a namespace as the registry itself holds them. */
export async function withDocuments<T>(
  options: RegistryOptions,
  namespace: string,
  look: (documents: Registry) => Promise<T>,
): Promise<T> {
  const registry = await createRegistry(options, { clock: systemClock, logger: SILENT_LOGGER });
  try {
    await registry.connect();
    return await look(withNamespace(registry, namespace));
  } finally {
    await registry.close();
  }
}

/** The documents under these prefixes, one prefix after the other. */
export async function readDocuments(
  options: RegistryOptions,
  namespace: string,
  ...prefixes: string[]
): Promise<Entry[]> {
  return withDocuments(options, namespace, async (documents) => {
    const found: Entry[] = [];
    for (const prefix of prefixes) found.push(...(await listAll(documents, prefix)));
    return found;
  });
}
