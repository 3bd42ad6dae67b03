import { patience } from '../common/clock.js';
import { randomId, type Random } from '../common/ids.js';
import { keys, listAll } from '../registry/keyspace.js';
import type { Write } from '../registry/registry.js';
import { isPresent, type TaskDocument } from '../task/task-definition.js';
import { unitsOf, type Unit } from '../task/unit.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { TaskWriter } from './task-writer.js';
import type { UnitDecision } from './claim.js';
import { isDead } from './is-dead.js';
import { newUnitState, type RunEntry, type UnitState } from './unit-state.js';

/** How long a step goes on trying while the registry does not answer. */
const PATIENCE_MS = 10_000;

/** Names no life: the task is to live where the placeholder is, and does not yet. */
const PLACEHOLDER = '';

/** What a task is declared as, by hash: under its former name, and under its new one. */
export interface DeclaredAs {
  former: string;
  name: string;
}

/**
 * Carries a task to another name with everything there is of it. Several nodes may be at it, and each of them may die at
 * any moment: what has been done stands in the document under the former name, and whoever comes goes on from there.
 *
 * ```
 *   (present) ──▶ asked ──▶ moving ──▶ done
 *       ▲           │
 *       └───────────┘ a run of it is going on
 * ```
 *
 * - *asked*: the task is halted as by an operator, so no claim can be granted any more. Where a run is going on all the same
 *   it is taken back: that run ends under the name it began with, and the next resync tries again. Runs of dead nodes are
 *   taken along, as nobody may be left who could look after them here.
 * - Before *moving* stands a placeholder under the new name. From then on the task is what the new name has of it: cursor,
 *   ledger and counters are copied first, then history, and the definition comes last, in place of that placeholder.
 *   Should it be gone, an operator has purged it or something else has taken its place, and nothing is carried any more.
 * - *done*: nothing is left under the former name but where the task has gone, for a deploy that is rolled back.
 */
export class TaskMover {
  constructor(
    private readonly context: SchedulerContext,
    private readonly writer: TaskWriter,
    private readonly random: Random,
  ) {}

  /** Goes as far as can be gone now. A task that is there under both names keeps what it has under the new one. */
  async move(former: string, name: string, declared?: DeclaredAs): Promise<void> {
    const held = this.context.catalog.get(former);
    const running = await Promise.all((held?.units ?? []).map((unit) => this.liveRuns(unit)));
    if (running.flat().length > 0) return; // not worth a halt
    const generation = randomId(this.random, 10);
    await this.writer.change(former, (doc) => {
      if (!isPresent(doc) || doc.definition.source !== 'static') return undefined;
      const same = declared !== undefined && doc.declared === declared.former;
      const rename = { to: name, generation, state: doc.state, ...(same && { declared: declared.name }) };
      return { ...doc, state: 'renamed', rename: { ...rename, step: 'asked' } };
    });
    await this.goOn(former);
  }

  /** Takes up what somebody has begun. */
  async goOn(former: string): Promise<void> {
    // a change that changes nothing reads the document, and makes good a touch of the units that was not to be
    const task = await this.writer.change(former, () => undefined);
    const doc = task?.doc;
    if (doc?.rename?.step === 'asked' && !(await this.commit(former, doc))) return;
    const moving = this.context.catalog.get(former)?.doc;
    if (moving?.rename?.step === 'moving') await this.carry(former, moving);
  }

  /** Undoes what has only been asked for. */
  async takeBack(former: string): Promise<void> {
    await this.writer.change(former, (doc) => {
      if (doc?.rename?.step !== 'asked') return undefined;
      const { rename, ...rest } = doc;
      return { ...rest, state: rename.state };
    });
  }

  /** From here on there is no way back. @returns whether it came to that */
  private async commit(former: string, doc: TaskDocument): Promise<boolean> {
    const { to, generation } = doc.rename!;
    const live = await Promise.all(unitsOf(former, doc).map((unit) => this.liveRuns(unit)));
    if (live.flat().length > 0 || !(await this.reserve(to, former, doc))) {
      await this.takeBack(former);
      return false;
    }
    const moving = await this.writer.change(former, (held) =>
      held?.rename?.generation === generation && held.rename.step === 'asked'
        ? { ...held, rename: { ...held.rename, step: 'moving' } }
        : undefined,
    );
    return moving?.doc.rename?.generation === generation;
  }

  /** Puts the placeholder. @returns `false` where the new name is itself on the move */
  private async reserve(name: string, former: string, doc: TaskDocument): Promise<boolean> {
    const { generation, state } = doc.rename!;
    let isFree = true;
    await this.writer.change(name, (held) => {
      isFree = held?.rename === undefined || held.rename.step === 'done';
      if (!isFree || held?.generation === generation || isPresent(held)) return undefined;
      return {
        ...arrived(doc, name),
        state: 'renamed',
        rename: { to: former, generation: PLACEHOLDER, state, step: 'done' },
      };
    });
    return isFree;
  }

  private async carry(former: string, doc: TaskDocument): Promise<void> {
    const { to, generation } = doc.rename!;
    const { writer, context } = this;
    const left = unitsOf(former, doc);
    await writer.refresh(to);
    if (isPlaceholder(context.catalog.get(to)?.doc, generation)) {
      const units = unitsOf(to, { generation });
      const copied = await Promise.all(units.map((unit, index) => this.copy(left[index]!, unit)));
      if (copied.includes(false)) return;
      await this.copyHistory(former, to);
      const placed = await writer.change(to, (held) =>
        isPlaceholder(held, generation) ? arrived(doc, to) : undefined,
      );
      if (hasLeft(placed?.doc, generation)) {
        // this node was away meanwhile: what it has copied here is of no use any more
        await this.remove(units);
        await this.forgetHistory(to, (held) => hasLeft(held, generation) && !isPresent(held));
      } else context.logger.log(`Task "${former}" is called "${to}" now`);
    }
    await this.remove(left);
    await this.forgetHistory(former, (held) => held?.rename?.generation === generation);
    await writer.change(former, (held) =>
      held?.rename?.generation === generation && held.rename.step === 'moving'
        ? { ...held, rename: { ...held.rename, step: 'done' } }
        : undefined,
    );
  }

  /** Runs of a unit whose nodes live. */
  private async liveRuns(unit: Unit): Promise<RunEntry[]> {
    const { units, registry } = this.context;
    const runs = (await units.read(unit))?.runs ?? [];
    const dead = await Promise.all(runs.map((run) => isDead(registry, run)));
    return runs.filter((_run, index) => !dead[index]);
  }

  /**
   * Closes the one unit, so that a node which is taken for dead can neither end a run there nor take it up again, and makes
   * the other. A unit that the registry has lost tells nothing of its ticks: none before now is made up for.
   * @returns `false` where a node has come back to its run: that ends first
   */
  private async copy(from: Unit, to: Unit): Promise<boolean> {
    const { units, clock } = this.context;
    const live = new Set((await this.liveRuns(from)).map(({ session }) => session));
    const seen = new Set(units.peek(from)?.runs.map(({ session }) => session));
    const closed = await units.update(
      from,
      (state): UnitDecision<UnitState | undefined> => {
        if (state.carried) return { outcome: state };
        if (state.runs.some(({ session }) => live.has(session) || !seen.has(session))) return { outcome: undefined };
        const next = { ...state, runs: [], carried: state.runs };
        return { next, outcome: next };
      },
      this.patience(),
    );
    if (closed !== 'gone' && !closed.outcome) return false;
    const { carried = [], ...rest } = closed === 'gone' ? newUnitState(clock.now(), 0n) : closed.outcome!;
    const state: UnitState = { ...rest, runs: carried, ...(closed === 'gone' && { rebuilt: true }) };
    await units.create(to, state, this.patience());
    return true;
  }

  /** Slots are numbered alike under both names, so the ring goes on where it was. */
  private async copyHistory(former: string, name: string): Promise<void> {
    const prefix = keys.history(former);
    const records = await listAll(this.context.registry, prefix);
    const writes = records.map(({ key, value }): Write => ({
      key: keys.history(name) + key.slice(prefix.length),
      value,
      if: 'absent',
    }));
    if (writes.length > 0) await this.context.registry.commit(writes);
  }

  /** Listed first, so that a record is left alone which was written after the task had come back to this name. */
  private async forgetHistory(name: string, isGone: (doc: TaskDocument | undefined) => boolean): Promise<void> {
    const { registry, catalog } = this.context;
    const records = await listAll(registry, keys.history(name));
    await this.writer.refresh(name);
    if (records.length === 0 || !isGone(catalog.get(name)?.doc)) return;
    await registry.commit(records.map(({ key, revision }): Write => ({ key, if: revision })));
  }

  private async remove(units: readonly Unit[]): Promise<void> {
    for (const unit of units) await this.context.units.remove(unit, this.patience());
  }

  private patience(): () => boolean {
    return patience(this.context.clock, PATIENCE_MS);
  }
}

function isPlaceholder(doc: TaskDocument | undefined, generation: string): boolean {
  return doc?.generation === generation && doc.rename?.generation === PLACEHOLDER;
}

/** Whether this life of the task has come to its end here. */
function hasLeft(doc: TaskDocument | undefined, generation: string): boolean {
  return doc?.generation !== generation || doc.rename?.step === 'done';
}

/** The task as it is under its new name. Without a hash its next declaration counts as a changed one. */
function arrived(
  { rename, orphanedSince: _since, declared: _former, ...doc }: TaskDocument,
  name: string,
): TaskDocument {
  const { generation, state, declared } = rename!;
  return {
    ...doc,
    definition: { ...doc.definition, handler: name },
    generation,
    state,
    ...(declared !== undefined && { declared }),
  };
}
