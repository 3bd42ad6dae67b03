import type { RegistrySession } from '../../core/registry/registry.js';
import type { EtcdConnection } from './etcd-connection.js';
import type { Era } from './etcd-era.js';
import { isLeaseNotFound } from './etcd-errors.js';
import type { EtcdStore } from './etcd-store.js';

/**
 * A session is a lease: when it ends the servers remove the documents bound to it, in one step. It belongs to the era it
 * was opened in, since data that was set back may lack what was bound to it later.
 */
export class EtcdSession implements RegistrySession {
  private constructor(
    readonly id: string,
    readonly ttlMs: number,
    private readonly lease: string,
    private readonly connection: EtcdConnection,
    private readonly store: EtcdStore,
  ) {}

  static async open(ttlMs: number, connection: EtcdConnection, store: EtcdStore): Promise<EtcdSession> {
    const { ID, TTL } = await connection.call('Lease/LeaseGrant', { TTL: Math.ceil(ttlMs / 1_000) });
    // Read after the lease was granted: if the data is set back in between, the lease is not in it.
    const { era } = await store.transact(() => []);
    return new EtcdSession(era.nameOf(ID), Number(TTL) * 1_000, ID, connection, store);
  }

  async renew(): Promise<'renewed' | 'expired'> {
    const { TTL } = await this.connection.call('Lease/LeaseKeepAlive', { ID: this.lease });
    return Number(TTL) > 0 && this.isOf(this.store.known) ? 'renewed' : 'expired';
  }

  async end(): Promise<void> {
    await this.connection.call('Lease/LeaseRevoke', { ID: this.lease }).catch((error: unknown) => {
      if (!isLeaseNotFound(error)) throw error;
    });
  }

  private isOf(era: Era): boolean {
    return era.numberIn(this.id) !== undefined;
  }
}
