import type { Clock } from '../../core/common/clock.js';
import { RegistryRefusedError, RegistryUnavailableError, withOutcome } from '../../core/registry/registry-errors.js';
import type { ConsulConnection } from './consul-connection.js';
import { ConsulGate } from './consul-gate.js';
import type { ConsulLayout } from './consul-keys.js';
import { cas, checkIndex, get, set, textOf, transact, tree, unexpected, type Op, type Pair } from './consul-txn.js';

/** What tokens begin with: a token is the era's base and the place of its write in Consul's log. */
export interface Era {
  readonly base: bigint;
  /** Version of the era's own document. */
  readonly index: number;
}

type Found = { readonly era: Era } & (
  { readonly pairs: readonly Pair[] } | { readonly errors: ReadonlyMap<number, string> }
);
type Written = { readonly era: Era } & ({ readonly index: number } | { readonly errors: ReadonlyMap<number, string> });

const ATTEMPTS = 8;

/**
 * Consul's log begins anew when its data is lost, and documents go back when old data is restored; tokens and revisions
 * must not. So the store keeps the era they belong to, made from the wall clock by the first client of an empty store,
 * and replaced by the first client that finds the store behind what it has seen.
 *
 * Every transaction begins with two steps: one fails where the era is another one, the other reads the head, which every
 * write of ours moves on. A head that is behind the newest one seen is the proof that old data was restored.
 *
 * The limit: a snapshot that is restored into living servers brings the old era back with it. A condition that is carried
 * out before any client has noticed may still hold for a revision of the course that was lost, where a document was
 * given the same version again. So stop all nodes, restore, remove the era's document, and start them.
 *
 *   unknown --load--> known --the era is gone or replaced, or the head went back--> settling --> known, perhaps anew
 */
export class ConsulEra {
  private era: Era | undefined;
  private head = 0;
  /** The greatest token that this client knows of. */
  private highest = 0n;
  private settling: Promise<void> | undefined;
  private readonly gate: ConsulGate;

  constructor(
    private readonly connection: ConsulConnection,
    private readonly layout: ConsulLayout,
    private readonly clock: Clock,
    /** Revisions and tokens handed out before this moment belong to the past. */
    private readonly onReplaced: () => void,
  ) {
    this.gate = new ConsulGate(connection, layout.gates);
  }

  get current(): Era {
    if (this.era) return this.era;
    throw new RegistryUnavailableError('Not connected to Consul.', { outcomeUnknown: false });
  }

  /** Finds the era of this store, or begins the first one. */
  async load(): Promise<void> {
    await this.settle();
    await this.gate.pass();
  }

  /** Reads at one instant of this era. What it finds is never older than anything this client has seen. */
  async read(ops: readonly Op[], consistent: boolean): Promise<Found> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const isSure = consistent || attempt > 0;
      const found = await this.guarded(ops, isSure);
      if (found && !found.isBehind) return found;
      // A leader that has been replaced and does not know it yet may be behind, too; being sure rules that out.
      if (found && isSure) await this.settle(found.era);
    }
    throw restless();
  }

  /**
   * Writes in one era. The operations are made for it, and made again where it has been replaced meanwhile. The index is
   * that of everything that was written.
   */
  async write(opsIn: (era: Era) => readonly Op[]): Promise<Written> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const gate = await this.gate.pass();
      const found = await this.guarded([...opsIn(this.current), set(this.layout.head, '')], false, gate);
      if (!found) continue;
      if ('errors' in found) return found;
      const index = found.pairs.at(-1)!.ModifyIndex;
      if (found.isBehind) {
        // It was written into restored data. It counts, in the next era.
        await this.settle(found.era).catch((error: unknown) => {
          throw withOutcome(error, true);
        });
        return { era: this.current, index };
      }
      this.note(found.era, index);
      return { era: found.era, index };
    }
    throw restless();
  }

  /** Something has gone back that cannot: the store was restored, and another era has to begin. */
  disprove(era: Era): Promise<void> {
    return this.settle(era);
  }

  /** Nothing where it has to be tried again: the era or the gate is another one. */
  private async guarded(
    ops: readonly Op[],
    consistent: boolean,
    gate?: number,
  ): Promise<(Found & { readonly isBehind: boolean }) | undefined> {
    const { current: era, head } = this;
    const guard = [checkIndex(this.layout.era, era.index), get(this.layout.head)];
    const demands = gate === undefined ? [] : [checkIndex(this.gate.place, gate)];
    const answer = await transact(this.connection, [...guard, ...demands, ...ops], consistent).catch(
      (error: unknown) => {
        if (gate !== undefined && error instanceof RegistryUnavailableError && error.outcomeUnknown) this.gate.doubt();
        throw error;
      },
    );
    if ('errors' in answer) {
      const { errors } = answer;
      const start = guard.length + demands.length;
      const own = new Map([...errors].map(([at, what]) => [at - start, what]));
      if (errors.has(0) || errors.has(1)) {
        await this.settle().catch((error: unknown) => {
          throw withOutcome(error, false);
        });
      } else if (gate !== undefined && errors.has(2)) this.gate.lost(gate);
      else return { era, errors: own, isBehind: false };
      return undefined;
    }
    const [mark, seen, ...rest] = answer.pairs;
    const pairs = rest.slice(demands.length);
    if (mark?.Key !== this.layout.era || seen?.Key !== this.layout.head)
      throw this.connection.denied('no right to read');
    const isBehind = seen.ModifyIndex < head;
    if (!isBehind) this.note(era, seen.ModifyIndex);
    return { era, pairs, isBehind };
  }

  private note(era: Era, head: number): void {
    if (era !== this.era || head <= this.head) return;
    this.head = head;
    this.highest = era.base + BigInt(head);
  }

  /** Agrees with the store on its era. One that is `disproved` is replaced, unless somebody else has done that. */
  private async settle(disproved?: Era): Promise<void> {
    // One that is under way may have looked before there was a reason for this one.
    await this.settling?.catch(() => undefined);
    do {
      this.settling ??= this.settleNow(disproved).finally(() => (this.settling = undefined));
      await this.settling;
    } while (disproved !== undefined && this.era === disproved);
  }

  private async settleNow(disproved: Era | undefined): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { era: known, head: seen } = this;
      const { era, head, index } = await this.look();
      if (era && head !== undefined) {
        const isSame = era.base === known?.base && era.index === known.index;
        if (isSame && known !== disproved && head >= seen) return this.note(known, head);
        if (!isSame && era.base + BigInt(head) > this.highest) return this.adopt(era, head);
      }
      const now = BigInt(Math.round(this.clock.now() * 1_000));
      const base = now > this.highest ? now : this.highest + 1n;
      const ops = [cas(this.layout.era, index, JSON.stringify({ base: String(base) })), set(this.layout.head, '')];
      const answer = await transact(this.connection, ops);
      if ('pairs' in answer)
        return this.adopt({ base, index: answer.pairs[0]!.ModifyIndex }, answer.pairs[1]!.ModifyIndex);
      if (!answer.errors.has(0)) throw unexpected(answer.errors);
      // Somebody else was faster: theirs counts.
    }
    throw restless();
  }

  private adopt(era: Era, head: number): void {
    const isFirst = this.era === undefined;
    this.era = era;
    this.head = head;
    this.highest = era.base + BigInt(head);
    if (!isFirst) this.onReplaced();
  }

  /** What stands there, whoever leads. */
  private async look(): Promise<{ era: Era | undefined; index: number; head: number | undefined }> {
    const answer = await transact(this.connection, [tree(this.layout.era), tree(this.layout.head)], true);
    if ('errors' in answer) throw unexpected(answer.errors);
    const mark = answer.pairs.find(({ Key }) => Key === this.layout.era);
    const head = answer.pairs.find(({ Key }) => Key === this.layout.head)?.ModifyIndex;
    if (!mark) return { era: undefined, index: 0, head };
    const base = /^\{"base":"(\d{1,18})"\}$/.exec(textOf(mark))?.[1];
    if (base === undefined) {
      const message = `Other data stands at ${this.layout.era}; give this registry a "prefix" of its own.`;
      throw new RegistryRefusedError(message);
    }
    return { era: { base: BigInt(base), index: mark.ModifyIndex }, index: mark.ModifyIndex, head };
  }
}

function restless(): RegistryUnavailableError {
  const message =
    'The era of the Consul store is replaced again and again; somebody restores it or removes its documents.';
  return new RegistryUnavailableError(message, { outcomeUnknown: false });
}
