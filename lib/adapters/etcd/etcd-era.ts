import { randomId, systemRandom } from '../../core/common/ids.js';
import { isRecord } from '../../core/registry/adapter-options.js';
import { RegistryRefusedError } from '../../core/registry/registry-errors.js';

/**
 * One life of the store's data. etcd counts its revisions from one again when its data was lost, and from an earlier one
 * when a backup was restored; then a new era begins, whose base is above every token of the eras before. So tokens grow
 * for ever, and what was named in an earlier era (a revision, a session) is known to mean nothing any more.
 *
 * What was set back is noticed by whoever knows a later revision than the store has. Who was cut off meanwhile, and comes
 * back when others have written past the revision it knew, cannot tell: nobody began another era, and its revisions may
 * fit by chance. So restore a backup only while all nodes are stopped, and remove the era's key before they start
 * (`etcdctl del nds//era`).
 */
export class Era {
  private constructor(
    /** As the store holds it. Transactions compare it, so nothing happens under an era that is over. */
    readonly text: string,
    private readonly id: string,
    private readonly base: bigint,
  ) {}

  static begin(base: bigint): Era {
    const id = randomId(systemRandom, 8);
    return new Era(JSON.stringify({ era: id, base: String(base) }), id, base);
  }

  static read(text: string, key: string): Era {
    const { era, base } = parsed(text);
    if (typeof era === 'string' && typeof base === 'string' && /^\d{1,18}$/.test(base)) {
      return new Era(text, era, BigInt(base));
    }
    throw new RegistryRefusedError(
      `The key ${key} in etcd holds something else than this library writes there; give this scheduler a prefix of its own.`,
    );
  }

  /** The fencing token of what was written at this revision of the store. */
  tokenAt(revision: string | bigint): bigint {
    return this.base + BigInt(revision);
  }

  /** A number of etcd's (a revision, a lease), as this era's. */
  nameOf(number: string): string {
    return `${this.id}.${number}`;
  }

  /** The number in such a name; undefined where it is of another era. */
  numberIn(name: string): string | undefined {
    const number = name.slice(this.id.length + 1);
    return name.startsWith(`${this.id}.`) && /^\d{1,19}$/.test(number) ? number : undefined;
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
