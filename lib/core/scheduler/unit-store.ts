import type { Clock, EpochMs } from '../common/clock.js';
import type { Registry, Entry } from '../registry/registry.js';
import { updateDocument, type Decision, type DocumentPort } from '../registry/update-document.js';
import type { Unit } from '../task/unit.js';
import type { UnitDecision } from './claim.js';
import type { SkipTail, UnitState } from './unit-state.js';
import { decodeUnit } from './unit-state.js';

export interface UnitUpdate<T> {
  outcome: T;
  skips: readonly SkipTail[];
  /** Token of the version that holds the outcome: what a claim hands to its run for fencing. */
  token: bigint;
}

/** A unit that is gone may have been purged, and proves nothing: so there are several. */
const WITNESSES = 4;

interface Known {
  entry: Entry;
  state: UnitState;
}

/**
 * The units' states as this node last saw them, and the one way to change them. Updates of one unit stand in line, so
 * that a finish and the next claim of a busy task do not make each other conflict.
 */
export class UnitStore {
  private readonly known = new Map<string, Known>();
  private readonly floors = new Map<string, EpochMs>();
  /** An older version of a unit was met than this node had seen: the registry has gone back in time. */
  goneBack = false;
  /** The registry has said that events were lost: until it is clear that no data was, nothing is claimed. */
  inDoubt = false;
  /** Ticks up to here are settled in every unit: the registry has lost what it held of them. */
  settledUpTo: EpochMs = -Infinity;
  private readonly lines = new Map<string, Promise<unknown>>();
  private readonly port: DocumentPort;

  constructor(
    registry: Registry,
    port: Pick<DocumentPort, 'commit'>,
    private readonly clock: Clock,
  ) {
    this.port = { commit: (write) => port.commit(write), read: (key) => registry.get(key, { fresh: true }) };
  }

  /** As last seen; may be out of date. */
  peek(unit: Unit): UnitState | undefined {
    return this.known.get(unit.key)?.state;
  }

  /** Ticks up to here are settled, whatever the unit shows: a registry that has lost data may show an older cursor. */
  floor(unit: Unit): EpochMs {
    return Math.max(this.floors.get(unit.key) ?? -Infinity, this.settledUpTo);
  }

  /** The latest units this node has seen: they show whether the registry has gone back in time. */
  witnesses(): Entry[] {
    const entries = [...this.known.values()].map(({ entry }) => entry);
    return entries.sort((a, b) => (a.token < b.token ? 1 : -1)).slice(0, WITNESSES);
  }

  /** The registry has lost data: what it held is no base to write on. Cursors that were seen stay settled. */
  distrust(): void {
    this.known.clear();
    this.goneBack = false;
  }

  forget(unit: Unit): void {
    this.known.delete(unit.key);
    this.floors.delete(unit.key);
  }

  /** Reads the unit now. `undefined` where it does not exist. */
  async read(unit: Unit): Promise<UnitState | undefined> {
    return this.inLine(unit.key, async () => this.remember(unit.key, await this.port.read(unit.key))?.state);
  }

  /** Brings the unit into being, unless it is there. @throws RegistryUnavailableError once `again` says no */
  async create(unit: Unit, state: UnitState, again: () => boolean): Promise<void> {
    const { key } = unit;
    const decide = (current: Entry | undefined): Decision<undefined> =>
      current ? { keep: undefined } : { write: JSON.stringify(state), result: undefined };
    await this.inLine(key, async () => {
      const { entry } = await updateDocument(this.port, key, decide, { clock: this.clock, known: undefined, again });
      this.remember(key, entry);
    });
  }

  /** Removes the unit and what is known of it. @throws RegistryUnavailableError once `again` says no */
  async remove(unit: Unit, again: () => boolean): Promise<void> {
    const { key } = unit;
    const decide = (entry: Entry | undefined): Decision<undefined> =>
      entry ? { remove: true, result: undefined } : { keep: undefined };
    await this.inLine(key, () => updateDocument(this.port, key, decide, { clock: this.clock, known: 'unread', again }));
    this.forget(unit);
  }

  /**
   * Decides and writes, again and again until it holds. `'gone'`: the unit does not exist.
   * @throws RegistryUnavailableError once `again` says no
   */
  update<T>(
    unit: Unit,
    decide: (state: UnitState) => UnitDecision<T>,
    again: () => boolean,
  ): Promise<UnitUpdate<T> | 'gone'> {
    return this.inLine(unit.key, async () => {
      const { key } = unit;
      let decided: UnitDecision<T> | undefined;
      const { entry } = await updateDocument(
        this.port,
        key,
        (current): Decision<undefined> => {
          const state = this.remember(key, current)?.state;
          decided = state && decide(state);
          return decided?.next ? { write: JSON.stringify(decided.next), result: undefined } : { keep: undefined };
        },
        { clock: this.clock, known: this.known.get(key)?.entry ?? 'unread', again },
      );
      if (!entry || !decided) return 'gone';
      if (decided.next) this.keep(key, { entry, state: decided.next });
      else this.remember(key, entry);
      return { outcome: decided.outcome, skips: decided.next ? (decided.skips ?? []) : [], token: entry.token };
    });
  }

  private remember(key: string, entry: Entry | undefined): Known | undefined {
    const known = this.known.get(key);
    if (entry && known?.entry.revision === entry.revision) return known;
    const state = entry && decodeUnit(entry.value);
    if (!entry || !state) {
      this.known.delete(key);
      return undefined;
    }
    return this.keep(key, { entry, state });
  }

  private keep(key: string, known: Known): Known {
    if (known.entry.token < (this.known.get(key)?.entry.token ?? 0n)) this.goneBack = true;
    this.known.set(key, known);
    if (known.state.cursor > (this.floors.get(key) ?? -Infinity)) this.floors.set(key, known.state.cursor);
    return known;
  }

  private inLine<T>(key: string, work: () => Promise<T>): Promise<T> {
    const ahead = this.lines.get(key);
    const turn = ahead ? ahead.then(work, work) : work();
    this.lines.set(key, turn);
    const leave = (): void => {
      if (this.lines.get(key) === turn) this.lines.delete(key);
    };
    turn.then(leave, leave);
    return turn;
  }
}
