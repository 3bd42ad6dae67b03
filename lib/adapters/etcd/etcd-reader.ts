import type { Entry } from '../../core/registry/registry.js';
import { entryOf } from './etcd-document.js';
import type { EtcdStore } from './etcd-store.js';

/** As many as a transaction may have, and as few at once as keep a member busy. */
const TRANSACTION_READS = 126;
const TRANSACTIONS_AT_ONCE = 4;

interface Waiting {
  readonly key: string;
  readonly resolve: (entry: Entry | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers the reads of one turn of the loop: a node that takes over thousands of units reads each of them. */
export class EtcdReader {
  private readonly waiting: Waiting[] = [];
  private underWay = 0;
  private isDue = false;

  constructor(private readonly store: EtcdStore) {}

  get(key: string): Promise<Entry | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      if (this.isDue) return;
      this.isDue = true;
      queueMicrotask(() => {
        this.isDue = false;
        this.sendSome();
      });
    });
  }

  private sendSome(): void {
    while (this.waiting.length > 0 && this.underWay < TRANSACTIONS_AT_ONCE) {
      this.underWay++;
      void this.send(this.waiting.splice(0, TRANSACTION_READS)).finally(() => {
        this.underWay--;
        this.sendSome();
      });
    }
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    const { store } = this;
    try {
      const { era, responses } = await store.transact(() =>
        batch.map(({ key }) => ({ requestRange: { key: store.layout.keyOf(key) } })),
      );
      batch.forEach(({ resolve }, i) => {
        const [found] = responses[i]!.responseRange!.kvs;
        resolve(found && entryOf(found, era, store.layout));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
