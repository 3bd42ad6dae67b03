import type { RegistryEpoch } from '../cluster/registry-epoch.js';
import type { EpochMs } from '../common/clock.js';
import { keys } from '../registry/keyspace.js';
import type { KnownTask } from '../task/catalog.js';
import { decodeTask, isLive, type TaskDocument } from '../task/task-definition.js';
import { type Unit, unitsOf } from '../task/unit.js';
import { decideTouch } from './run-decisions.js';
import type { SchedulerContext } from './scheduler-context.js';
import { newUnitState } from './unit-state.js';

/**
 * What to do when the registry has lost its data: every node writes back the tasks and tombstones it knows, where they
 * are absent or older. Nothing older than this moment is made up for, since nobody can tell any more what of it has run.
 */
export class Amnesia {
  private running: Promise<void> = Promise.resolve();
  private next?: Promise<boolean>;
  /** Called when claims that were held back may go on. */
  onClear: () => void = () => undefined;

  constructor(
    private readonly context: SchedulerContext,
    private readonly epoch: RegistryEpoch,
  ) {}

  /** Asked before anything that is missing in the registry is taken for deleted. @returns whether data had been lost */
  check(): Promise<boolean> {
    // one that is under way may have looked before whoever asks now has read what it asks about
    this.next ??= this.running.then(() => {
      this.next = undefined;
      const check = this.checkNow();
      this.running = check.then(
        () => undefined,
        () => undefined,
      );
      return check;
    });
    return this.next;
  }

  private async checkNow(): Promise<boolean> {
    const { catalog, events, keeper, logger, units } = this.context;
    const held = [...catalog.values()].filter(({ doc }) => doc.state !== 'purged');
    const verdict = await this.epoch.check(() => this.hasGoneBack());
    units.settledUpTo = this.epoch.lostUpTo;
    if (verdict === 'same') this.clear();
    if (verdict === 'same') return false;
    logger.error(
      'The registry has lost its data. This node writes back the tasks it knows; what fell due meanwhile is not made up for',
      {
        tasks: held.length,
      },
    );
    events.emit('registry.amnesia', { tasks: held.length });
    keeper.renew().catch(() => undefined); // the session is most likely lost too: better to know than to claim under it
    // this node may be late to notice: what others have run meanwhile is not run again either
    const since = Math.max(this.epoch.lostUpTo, await this.epoch.now());
    await Promise.all(held.map((task) => this.writeBack(task, since)));
    // what was being purged has come back on every node alike, or has not
    for (const { name, doc } of [...catalog.values()]) if (doc.state === 'purged') catalog.forget(name);
    this.epoch.accept();
    units.distrust();
    this.clear();
    return true;
  }

  /** It is known what the registry has kept. */
  private clear(): void {
    if (!this.context.units.inDoubt) return;
    this.context.units.inDoubt = false;
    this.onClear();
  }

  /** Whether the registry shows an older version of a document than this node has seen. What is gone may have been purged. */
  private async hasGoneBack(): Promise<boolean> {
    const { catalog, registry, units } = this.context;
    let latest: KnownTask | undefined;
    for (const task of catalog.values()) if (task.token > (latest?.token ?? 0n)) latest = task;
    if (units.goneBack) return true;
    const witnesses = [...units.witnesses(), ...(latest ? [{ key: keys.task(latest.name), token: latest.token }] : [])];
    const now = await Promise.all(witnesses.map(({ key }) => registry.get(key, { fresh: true })));
    return now.some((entry, index) => entry !== undefined && entry.token < witnesses[index]!.token);
  }

  private async writeBack({ name, doc, units, token }: KnownTask, since: EpochMs): Promise<void> {
    const { registry, catalog, clock, units: store } = this.context;
    const { backfill: _lost, ...rest } = doc; // how far it had come is gone with the unit
    const restored: TaskDocument = { ...rest, since, updatedAt: clock.now() };
    const [key, value] = [keys.task(name), JSON.stringify(restored)];
    const there = await registry.get(key, { fresh: true });
    // as it was, it may say of a backfill what its unit does not say any more
    if (there && (there.token > token || (there.token === token && !doc.backfill))) return void catalog.apply(there);
    const former = there && decodeTask(there.value);
    if (former && former.generation !== doc.generation)
      // before the task: else nobody would try it again
      await registry.commit(unitsOf(name, former).map((unit) => ({ key: unit.key })));
    const [result] = await registry.commit([{ key, value, if: there?.revision ?? 'absent' }]);
    if (!result?.ok) {
      if (result?.current) catalog.apply(result.current);
      return;
    }
    catalog.apply({ key, value, revision: result.revision, token: result.token });
    const bringAbout = async (unit: Unit): Promise<void> => {
      await store.create(unit, { ...newUnitState(since, result.token), rebuilt: true }, () => false);
      await store.update(
        unit,
        (state) => decideTouch(state, result.token),
        () => false,
      );
    };
    if (isLive(doc)) await Promise.all(units.map(bringAbout));
  }
}
