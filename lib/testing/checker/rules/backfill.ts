import { keys } from '../../../core/registry/keyspace.js';
import { startOf } from '../../../core/schedule/schedule.js';
import type { RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import { scheduleKeyOf } from '../../../core/task/catalog.js';
import { decodeTask } from '../../../core/task/task-definition.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { AnswerEntry, WriteEntry } from '../log.js';
import type { Rule } from '../rule.js';
import { newRuns, type UnitChange } from '../unit-change.js';
import { CORRECTED_MS, isSpent, type TaskVersion, type World } from '../world.js';

/**
 * A backfill that was asked for runs ticks of its range that have had their regular turn, oldest first, one at a time and
 * each once; with `only: 'unsuccessful'` none that has succeeded. What it leaves out has succeeded, is going on, or is from
 * before the unit took notes. It waits for no regular tick to be due, no regular tick is skipped for it, and it comes to its
 * end. (That no tick is started twice in one backfill says `single-start`.)
 */
export function backfill(world: World): Rule {
  const asked = new Map<number, { task: string; process: string; what: string; going?: string | undefined }>();
  const requests = new Set<string>();
  /** By unit: when its backfill last came on. */
  const progress = new Map<string, number>();
  return {
    name: 'backfill',
    *entry(entry) {
      if (entry.type === 'ask' && (entry.what === 'backfillTask' || entry.what === 'cancelBackfill'))
        asked.set(entry.id, { ...entry, going: world.tasks.get(entry.task)?.doc.backfill?.id });
      if (entry.type === 'answer') yield* answerProblems(entry);
      if (entry.type === 'write' && entry.key.startsWith(keys.tasks)) yield* requestProblems(entry);
    },
    *unit(change) {
      const { key, task, before, after, entry } = change;
      if (!before || !after) return;
      const ended = before.runs.some(({ id }) => isOfBackfill(id) && !after.runs.some((run) => run.id === id));
      if (ended || JSON.stringify(before.backfill) !== JSON.stringify(after.backfill)) progress.set(key, entry.at);
      for (const run of newRuns(before, after)) {
        if (run.trigger !== 'backfill' || run.attempt > 1) continue;
        const version = world.versionOf(task, after.task);
        const problem = version && claimProblem(version, run, change as Whole);
        if (problem) yield `tick ${run.tick} of ${key} was claimed for a backfill, but ${problem}`;
      }
      if (after.backfill && JSON.stringify(before.backfill) !== JSON.stringify(after.backfill)) {
        const versions = world.versionsFrom(task, before.task);
        const verdicts = versions.map((version) => leftOut(version, change as Whole));
        if (versions.length > 0 && !verdicts.includes(undefined)) yield `${key}: ${verdicts.at(-1)}`;
      }
      const blocker = after.tail?.reason === 'overlap' && after.tail.seq > before.seq ? after.tail.blocker : undefined;
      if (blocker && isOfBackfill(blocker.runId))
        yield `tick ${after.tail!.to} of ${key} was skipped for run ${blocker.runId}, which makes up for a tick of the past`;
    },
    *finish({ now }) {
      const late = now - world.options.settleMs - world.options.resyncMs;
      for (const task of world.tasks.values()) {
        const { doc, name } = task;
        if (doc.state !== 'active' || !doc.backfill || (world.candidateSince(name) ?? Infinity) > late) continue;
        if (doc.backfill.requestedAt <= world.lostUpTo) continue; // nobody can tell how far it had come
        for (const { key } of unitsOf(name, doc)) {
          const unit = world.units.get(key);
          if (!unit || unit.runs.some(({ claimedAt }) => claimedAt < late)) continue;
          const isDone = unit.backfill?.id === doc.backfill.id && unit.backfill.endedAt !== undefined;
          const at = Math.max(progress.get(key) ?? doc.backfill.requestedAt, doc.updatedAt);
          if (!isDone && at < late)
            yield `backfill ${doc.backfill.id} of "${name}" has not come on for ${now - at} ms, from ${unit.backfill?.cursor}`;
        }
      }
    },
  };

  function isOfBackfill(runId: string): boolean {
    return world.origins.get(runId)?.trigger === 'backfill';
  }

  function* answerProblems({ id, how }: AnswerEntry): Iterable<string> {
    const question = asked.get(id);
    if (!question || how === 'unknown') return;
    asked.delete(id);
    const { what, task, going } = question;
    const now = world.tasks.get(task)?.doc.backfill?.id;
    if (
      what === 'cancelBackfill' &&
      how === 'done' &&
      going !== undefined &&
      now === going &&
      world.lossAt === -Infinity
    )
      yield `backfill ${going} of "${task}" was cancelled, and goes on`;
  }

  function* requestProblems({ key, value, process }: WriteEntry): Iterable<string> {
    const task = key.slice(keys.tasks.length);
    const request = value === undefined ? undefined : decodeTask(value)?.backfill;
    if (!request || requests.has(request.id)) return;
    requests.add(request.id);
    const wanted = [...asked.values()].some(
      (question) => question.what === 'backfillTask' && question.task === task && question.process === process,
    );
    if (!wanted && process !== undefined)
      yield `a backfill of "${task}" was begun by ${process} without being asked for`;
  }

  function claimProblem(version: TaskVersion, run: RunEntry, { key, before, after, entry }: Whole): string | undefined {
    const { doc, schedule } = version;
    const request = doc.backfill;
    const tick = run.tick!;
    if (!request) return 'its task has none';
    if (after.backfill?.id !== request.id || after.backfill.cursor !== tick) return 'the unit does not say so';
    if (before.backfill?.id === request.id && tick <= before.backfill.cursor) return 'it has had its turn in it';
    if (schedule.next(tick - 1) !== tick) return 'it is no tick of the schedule';
    if (tick < request.from || tick > request.to) return `the range is ${request.from} to ${request.to}`;
    if (tick > Math.max(before.cursor, doc.since)) return 'its regular turn is still to come';
    if (before.runs.some((other) => other.tick === tick)) return 'a run of it is going on';
    if (before.runs.some(({ id }) => isOfBackfill(id))) return 'another run of a backfill is going on';
    const told = request.only === 'unsuccessful' ? world.successes.toldAt(key, tick) : undefined;
    if (told !== undefined && told > world.sameTicksSince(version)) return 'it has succeeded';
    const due = isSpent(before, version) ? undefined : schedule.next(Math.max(before.cursor, doc.since));
    const { writeDelayMs, clockErrorMs } = world.options;
    if (due === undefined || startOf(schedule, due) >= entry.at - writeDelayMs - clockErrorMs) return undefined;
    return isImpaired(entry.process) ? undefined : `regular tick ${due} had been due for ${entry.at - due} ms`;
  }

  /** The writer decided by a wrong clock, or takes ticks for settled that the registry has lost. */
  function isImpaired(process: string | undefined): boolean {
    return (
      world.lossAt > -Infinity ||
      world.suffers(undefined, 'server-clock', CORRECTED_MS) ||
      world.suffers(process, 'clock') ||
      world.suffers(process, 'freeze', 2_000)
    );
  }

  /** The first tick between two steps of a backfill that it had no reason to leave out. */
  function leftOut({ doc, policies, schedule }: TaskVersion, { key, before, after }: Whole): string | undefined {
    const request = doc.backfill;
    const { id, cursor, endedAt } = after.backfill!;
    if (request?.id !== id) return `backfill ${id} was begun, and is not the one that was asked for`;
    const from = before.backfill?.id === id ? before.backfill.cursor : request.from - 1;
    const to = endedAt === undefined ? cursor - 1 : Math.min(request.to, Math.max(before.cursor, doc.since));
    const { ledger } = after;
    const since = ledger?.schedule === scheduleKeyOf(doc, policies) ? ledger.since : Infinity; // of other ticks: of none of these
    const isUnknown = (tick: number): boolean => tick <= since && since > doc.createdAt;
    const needsNone = (tick: number): boolean => world.successes.has(key, tick) || isUnknown(tick);
    const isExcused = (tick: number): boolean =>
      before.runs.some((run) => run.tick === tick) || (request.only === 'unsuccessful' && needsNone(tick));
    for (let tick = schedule.next(from); tick !== undefined && tick <= to; tick = schedule.next(tick))
      if (!isExcused(tick)) return `backfill ${id} has left out tick ${tick}`;
    return undefined;
  }
}

type Whole = UnitChange & { before: UnitState; after: UnitState };
