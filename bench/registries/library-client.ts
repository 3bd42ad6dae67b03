import { systemClock } from '../../lib/core/common/clock.js';
import { CommitBatcher } from '../../lib/core/registry/commit-batcher.js';
import { guardRegistry } from '../../lib/core/registry/guarded-registry.js';
import { withNamespace } from '../../lib/core/registry/keyspace.js';
import type { Registry, RegistryInfo, Write, WriteResult } from '../../lib/core/registry/registry.js';
import { lost, type BenchClient, type Claim } from './client.js';

/** The library's side: the adapter with everything the core puts around it. */
export class LibraryClient implements BenchClient {
  private constructor(
    private readonly registry: Registry,
    private readonly batcher: CommitBatcher | undefined,
  ) {}

  static async open(adapter: Registry): Promise<LibraryClient> {
    const registry = withNamespace(guardRegistry(adapter, { clock: systemClock }), 'bench');
    await registry.connect();
    return new LibraryClient(registry, undefined);
  }

  /** The same registry, with single claims gathered as the core gathers them. */
  batched(): LibraryClient {
    return new LibraryClient(this.registry, new CommitBatcher(this.registry, systemClock));
  }

  async claim(claim: Claim): Promise<string> {
    const write = writeOf(claim);
    const result = this.batcher ? await this.batcher.commit(write) : (await this.registry.commit([write]))[0]!;
    return revisionOf(result, claim.key);
  }

  async claimAll(claims: readonly Claim[]): Promise<string[]> {
    const results = await this.registry.commit(claims.map(writeOf));
    return results.map((result, i) => revisionOf(result, claims[i]!.key));
  }

  async put(key: string, value: string): Promise<void> {
    const [result] = await this.registry.commit([{ key, value }]);
    revisionOf(result!, key);
  }

  async watch(prefix: string, onValue: (value: string) => void): Promise<void> {
    await this.registry.watch(prefix, (change) => {
      if (change.type === 'put') onValue(change.entry.value);
    });
  }

  describe(): Promise<RegistryInfo> {
    return this.registry.describe();
  }

  close(): Promise<void> {
    return this.registry.close();
  }
}

const writeOf = ({ key, value, revision }: Claim): Write => ({ key, value, if: revision ?? 'absent' });
const revisionOf = (result: WriteResult, key: string): string => (result.ok ? result.revision : lost(key));
