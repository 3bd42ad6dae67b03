import type { Clock } from '../../core/common/clock.js';
import { randomId, systemRandom } from '../../core/common/ids.js';
import { RegistryRefusedError } from '../../core/registry/registry-errors.js';

/**
 * ZooKeeper counts transactions, and its count falls when the data is lost or an older copy of it is restored. Tokens
 * must not, so they are that count plus a base that comes from the clock and is kept in a document of our own: the era.
 * An era with another base follows when the data went back, and revisions of one era mean nothing in another.
 *
 * That data went back is seen by whoever comes back to a count below the one it knows. A process that was cut off during
 * the restore, and comes back after others have written past the count it knew, cannot tell; nor can anybody after a
 * restore while no process was running. So the way to restore an older copy is: stop all processes, restore, remove the
 * node `era`, start them. What begins then has a base from the clock.
 */
export interface Era {
  readonly id: string;
  readonly base: bigint;
}

/** The clock's part: a count grows by 2^32 with every election of a leader, and those are further apart than a second. */
const BASE_UNIT = 32n;
const ORIGIN_MS = 1_577_836_800_000; // 2020-01-01: leaves room until 2088 in 63 bits

export const tokenOf = (era: Era, zxid: bigint): bigint => era.base + zxid;

export const writtenEra = ({ id, base }: Era): string => JSON.stringify({ id, base: String(base) });

export function readEra(text: string | null, path: string): Era {
  const found = /^\{"id":"([0-9a-z]{6})","base":"(-?\d{1,19})"\}$/.exec(text ?? '');
  if (found) return { id: found[1]!, base: BigInt(found[2]!) };
  const cure = 'give this scheduler a prefix or a node of its own in "connect"';
  throw new RegistryRefusedError(`The ZooKeeper node ${path} holds something else than expected: ${cure}.`);
}

/** What this process knows of eras: the one it is in, and the highest token of any it was in. */
export class Eras {
  private highest = -1n;

  constructor(private readonly clock: Clock) {}

  /** The highest token that a transaction this process knows of can have been given. */
  get floor(): bigint {
    return this.highest;
  }

  note(era: Era, zxid: bigint): void {
    const token = tokenOf(era, zxid);
    if (token > this.highest) this.highest = token;
  }

  /** One whose tokens are above all that are known, from this transaction on. */
  next(zxid: bigint): Era {
    const seconds = BigInt(Math.max(1, Math.floor((this.clock.now() - ORIGIN_MS) / 1_000)));
    const first = seconds << BASE_UNIT;
    const start = first > this.highest ? first : this.highest + 1n;
    return { id: randomId(systemRandom, 6), base: start - zxid };
  }
}
