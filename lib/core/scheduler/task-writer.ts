import { patience } from '../common/clock.js';
import { keys, listAll } from '../registry/keyspace.js';
import { updateDocument, type Decision, type DocumentPort } from '../registry/update-document.js';
import type { KnownTask } from '../task/catalog.js';
import { decodeTask, isLive, type TaskDocument } from '../task/task-definition.js';
import { unitsOf, type Unit } from '../task/unit.js';
import { decideTouch } from './run-decisions.js';
import type { Amnesia } from './amnesia.js';
import type { SchedulerContext } from './scheduler-context.js';
import { newUnitState, type UnitState } from './unit-state.js';

/** What to make of a task document: the new one, or as it is. Throwing refuses the change. */
export type TaskDecision = (doc: TaskDocument | undefined) => TaskDocument | undefined;

/** How long an admin change goes on trying while the registry does not answer. */
const ADMIN_PATIENCE_MS = 10_000;

/**
 * The one way to change a task. The document is committed first, then each of its units is touched, and only then is
 * the change acknowledged: from then on no node, however stale, is granted a claim on what the task was before.
 */
export class TaskWriter {
  constructor(
    private readonly context: SchedulerContext,
    private readonly port: DocumentPort,
    private readonly amnesia: Amnesia,
  ) {}

  /** As `change`, for a task that is most likely new: without looking first, an add costs one write. */
  create(name: string, decide: TaskDecision): Promise<KnownTask | undefined> {
    return this.change(name, decide, this.context.catalog.get(name) ? 'unread' : 'absent');
  }

  /** @returns the task as it stands, `undefined` where there is none */
  async change(
    name: string,
    decide: TaskDecision,
    known: 'unread' | 'absent' = 'unread',
  ): Promise<KnownTask | undefined> {
    const { catalog } = this.context;
    const before = catalog.get(name);
    let proposal: { text: string; doc: TaskDocument; replaces: TaskDocument | undefined } | undefined;
    const { entry } = await this.update(
      keys.task(name),
      (current) => {
        if (proposal && current?.value === proposal.text) return { keep: undefined }; // it went through before
        const doc = current && decodeTask(current.value);
        const next = decide(doc);
        if (!next) return { keep: undefined };
        proposal = { text: JSON.stringify(next), doc: next, replaces: doc };
        return { write: proposal.text, result: undefined };
      },
      known,
    );
    if (!entry) return undefined;
    const task = catalog.apply(entry) ?? before;
    const doc = decodeTask(entry.value)!;
    const { text, replaces } = proposal ?? {};
    // a new generation is its maker's, also where somebody has changed it since
    const made = proposal?.doc.generation === doc.generation && replaces?.generation !== doc.generation;
    if (made && replaces) await this.removeUnits(name, replaces);
    await this.bringUnitsAbout(name, doc, entry.token, made || entry.value === text, made);
    return task;
  }

  /** No tick is left: the task is over. */
  async complete(task: KnownTask): Promise<void> {
    const { generation, updatedAt, definition } = task.doc;
    const afterRun = definition.source === 'static' ? 'keep' : task.policies.afterRun;
    const unchanged = (doc: TaskDocument): boolean =>
      doc.generation === generation && doc.state === 'active' && doc.updatedAt === updatedAt;
    if (afterRun === 'purge') return this.purge(task.name, unchanged);
    const state = afterRun === 'delete' ? 'deleted' : 'completed';
    await this.change(task.name, (doc) => {
      return doc && unchanged(doc) ? { ...doc, state, updatedAt: this.context.clock.now() } : undefined;
    });
  }

  /** Its runs have failed one after another, as often as `pauseAfter` allows: it waits for somebody to look at it. */
  async pauseExhausted({ name, doc }: KnownTask, failures: number): Promise<void> {
    const { clock, logger } = this.context;
    const note = `paused after ${failures} failed runs in a row`;
    let paused = false;
    await this.change(name, (now) => {
      paused = now?.state === 'active' && now.generation === doc.generation && now.since === doc.since;
      return paused ? { ...now!, state: 'paused', note, updatedAt: clock.now() } : undefined;
    });
    if (paused) logger.error(`Task "${name}" is ${note}; resumeTask lets it go on`, { task: name });
  }

  /** Removes every trace. While it goes on a marker keeps the units from being made anew. */
  async purge(name: string, only: (doc: TaskDocument) => boolean = () => true): Promise<void> {
    const { registry, recorder, clock, catalog } = this.context;
    let doomed: TaskDocument | undefined;
    await this.update(keys.task(name), (current) => {
      const doc = current && decodeTask(current.value);
      if (!doc || (doc.state !== 'purged' && !only(doc))) return { keep: undefined };
      doomed = doc;
      return {
        write: JSON.stringify({ ...doc, state: 'purged', updatedAt: clock.now() } satisfies TaskDocument),
        result: undefined,
      };
    });
    if (!doomed) return;
    await this.removeUnits(name, doomed);
    const slots = await recorder.keysOf(name);
    if (slots.length > 0) await registry.commit(slots.map((key) => ({ key })));
    const { generation: gone } = doomed;
    const { entry } = await this.update(keys.task(name), (current) => {
      const doc = current && decodeTask(current.value);
      return doc?.state === 'purged' && doc.generation === gone
        ? { remove: true, result: undefined }
        : { keep: undefined };
    });
    if (!entry) catalog.forget(name);
    else catalog.apply(entry);
  }

  /** The names of all tasks as the registry holds them, tombstones included. */
  async names(): Promise<string[]> {
    const entries = await listAll(this.context.registry, keys.tasks);
    return entries.map(({ key }) => key.slice(keys.tasks.length));
  }

  /** Reads the task document now. @returns whether the replica changed */
  async refresh(name: string): Promise<boolean> {
    const { catalog } = this.context;
    const before = catalog.get(name)?.token;
    const entry = await this.port.read(keys.task(name));
    if (entry) catalog.apply(entry);
    else if (!(await this.amnesia.check())) catalog.forget(name, before);
    return catalog.get(name)?.token !== before;
  }

  /** Makes every node that knows only an older version of the task lose its next claim of the unit. */
  async touch(unit: Unit, token: bigint): Promise<'touched' | 'gone'> {
    const update = await this.context.units.update(unit, (state) => decideTouch(state, token), this.patience());
    return update === 'gone' ? 'gone' : 'touched';
  }

  /** Makes a unit that is missing for a live task. */
  async repair(unit: Unit): Promise<UnitState | undefined> {
    await this.refresh(unit.task);
    const task = this.context.catalog.get(unit.task);
    if (!task || task.doc.generation !== unit.generation || !isLive(task.doc)) return undefined;
    // A task that has been there for a while had its unit, and lost it: nobody can tell which of its ticks have run.
    const { since, updatedAt } = task.doc;
    const now = this.context.clock.now();
    if (now - updatedAt <= ADMIN_PATIENCE_MS) return this.bear(unit, newUnitState(since, task.token));
    const { backfill } = task.doc;
    return this.bear(unit, {
      ...newUnitState(now, task.token),
      rebuilt: true,
      ...(backfill && { backfill: { id: backfill.id, cursor: backfill.to, runs: 0, endedAt: now } }),
    });
  }

  /** Brings a unit into being, and takes it back should its task have been purged or made anew meanwhile. */
  private async bear(unit: Unit, state: UnitState): Promise<UnitState | undefined> {
    const { units, catalog } = this.context;
    await units.create(unit, state, this.patience());
    await this.refresh(unit.task);
    const task = catalog.get(unit.task);
    // a task that was deleted meanwhile keeps its unit: restored, it goes on with it
    if (task?.doc.generation === unit.generation && task.doc.state !== 'purged') return units.peek(unit);
    await this.removeUnits(unit.task, unit);
    return undefined;
  }

  /** Touched even where somebody else made the change asked for: its acknowledgement here must mean as much as there. */
  private async bringUnitsAbout(
    name: string,
    doc: TaskDocument,
    token: bigint,
    ours: boolean,
    born: boolean,
  ): Promise<void> {
    await Promise.all(
      unitsOf(name, doc).map(async (unit) => {
        const touched = !born && (await this.touch(unit, token)) === 'touched';
        if (touched || !ours || !isLive(doc)) return;
        if (born) await this.bear(unit, newUnitState(doc.since, token));
        else await this.repair(unit);
      }),
    );
  }

  private async removeUnits(name: string, doc: Pick<TaskDocument, 'generation'>): Promise<void> {
    for (const unit of unitsOf(name, doc)) await this.context.units.remove(unit, this.patience());
  }

  private update(
    key: string,
    decide: Parameters<typeof updateDocument<undefined>>[2],
    known: 'unread' | 'absent' = 'unread',
  ) {
    return updateDocument(this.port, key, (entry): Decision<undefined> => decide(entry), {
      clock: this.context.clock,
      known: known === 'absent' ? undefined : known,
      again: this.patience(),
    });
  }

  private patience(): () => boolean {
    return patience(this.context.clock, ADMIN_PATIENCE_MS);
  }
}
