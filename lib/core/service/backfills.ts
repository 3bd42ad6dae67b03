import type { EpochMs } from '../common/clock.js';
import { taskError } from '../common/errors.js';
import { randomId } from '../common/ids.js';
import { instantProblem } from '../schedule/once.js';
import { instantOf, lastInstantOf } from '../schedule/schedule-problems.js';
import { backfillTick, pendingBackfill } from '../scheduler/extra-runs.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { UnitState } from '../scheduler/unit-state.js';
import type { KnownTask } from '../task/catalog.js';
import type { BackfillRequest } from '../task/task-definition.js';
import { anything, flag, oneOf, optionProblems } from './arguments.js';
import type { TaskCommands } from './task-commands.js';

/** Which past ticks to run. */
export interface BackfillOptions {
  /** The first instant: a Date, epoch milliseconds or ISO 8601 text, without an offset in the task's zone. */
  from: Date | string | number;
  /** The last instant; a date alone means the whole day. Ticks that are not settled yet are left to their regular turn. @default now */
  to?: Date | string | number;
  /**
   * `'unsuccessful'`: ticks without a success: failed, lost, skipped, or from before the task was there. `'all'`: once more
   * for each. Of ticks of an earlier schedule of the task, and of those before the fiftieth gap back, it is not known
   * whether they succeeded; `'unsuccessful'` leaves them out. @default 'unsuccessful'
   */
  only?: BackfillRequest['only'];
  /** Only tell what would run. @default false */
  dryRun?: boolean;
}

/** A backfill: as planned, under way, or done. */
export interface BackfillView {
  /** Absent in a dry run. */
  id?: string;
  task: string;
  from: Date;
  to: Date;
  only: BackfillRequest['only'];
  /** `stopped`: the task is not active, and the backfill waits with it. */
  state: 'planned' | 'running' | 'stopped' | 'done';
  /** Runs that were started for it so far. */
  started: number;
  /** The ticks that are still to run, in order; at most 1,000. */
  remaining: Date[];
  /** There are more than `remaining` shows. */
  more: boolean;
}

const MOST_SHOWN = 1_000;
/** A misspelt `dryRun` would run for real. */
const OPTIONS = { from: anything, to: anything, only: oneOf('unsuccessful', 'all'), dryRun: flag };

/** Past ticks, run once more: asked for in the task's document, done by the owner of its unit, one after the other. */
export class Backfills {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly commands: TaskCommands,
  ) {}

  /** @throws `INVALID_OPTIONS`, `TASK_NOT_FOUND`, `TASK_STATE` where the task is not active or a backfill of it goes on */
  async start(name: string, options: BackfillOptions): Promise<BackfillView> {
    const { context, options: settings } = this.scheduler;
    const now = context.clock.now();
    const before = await this.read(name);
    const { schedule } = before.task.doc.definition;
    const zone = ('timeZone' in schedule ? schedule.timeZone : undefined) ?? settings.timeZone;
    const request: BackfillRequest = {
      id: randomId(settings.random, 10),
      ...rangeOf(name, options, now, zone),
      requestedAt: now,
    };
    if (options.dryRun) return viewOf(before.task, before.state, request, 'planned');
    const task = await this.commands.edit(name, (doc) => {
      if (doc.state !== 'active')
        throw taskError(
          'TASK_STATE',
          name,
          `Task "${name}" is ${doc.state}${doc.state === 'completed' ? ': give it another schedule with updateSchedule' : '; resume it'}, then ask for the backfill`,
        );
      if (doc.backfill?.id === request.id) return undefined;
      if (doc.backfill && pendingBackfill(before.state, { ...before.task, doc }))
        throw taskError(
          'TASK_STATE',
          name,
          `A backfill of task "${name}" is under way (${doc.backfill.id}); wait for its end or use cancelBackfill`,
        );
      return { ...doc, backfill: request, updatedAt: now };
    });
    return viewOf(task, before.state, request, 'running');
  }

  /** The latest backfill of the task, `undefined` where none was asked for. */
  async get(name: string): Promise<BackfillView | undefined> {
    const { task, state } = await this.read(name);
    const { backfill } = task.doc;
    if (!backfill) return undefined;
    const pending = pendingBackfill(state, task) ? (task.doc.state === 'active' ? 'running' : 'stopped') : 'done';
    return viewOf(task, state, backfill, pending);
  }

  /** No further run of it starts; one that is going on goes on. */
  async cancel(name: string): Promise<void> {
    const now = this.scheduler.context.clock.now();
    await this.commands.edit(name, ({ backfill, ...doc }) => (backfill ? { ...doc, updatedAt: now } : undefined));
  }

  /** The task and its unit, as they are in the registry now. */
  private async read(name: string): Promise<{ task: KnownTask; state: UnitState }> {
    const task = await this.commands.readAnew(name);
    const state = await this.scheduler.context.units.read(task.units[0]!);
    if (!state) throw taskError('TASK_NOT_FOUND', name, `Task "${name}" is being made or purged; try again`);
    return { task, state };
  }
}

function rangeOf(
  task: string,
  options: BackfillOptions,
  now: EpochMs,
  timeZone: string,
): Pick<BackfillRequest, 'from' | 'to' | 'only'> {
  const { from, to, only = 'unsuccessful' } = options;
  const [begin, end] = [instantOf(from, timeZone), to === undefined ? now : lastInstantOf(to, timeZone)];
  const problems = (
    [
      ['from', from, begin],
      ['to', to, end],
    ] as const
  ).flatMap(([key, given, at]) => {
    const problem = instantProblem(at);
    return problem === undefined ? [] : [`${key}: ${JSON.stringify(given)} ${problem}`];
  });
  problems.push(...optionProblems(options, OPTIONS));
  if (begin > end) problems.push('from: it lies after to');
  if (begin > now) problems.push('from: it lies in the future; only past ticks can be run again');
  if (problems.length > 0)
    throw taskError('INVALID_OPTIONS', task, `The backfill of task "${task}" is not valid: ${problems.join('; ')}`);
  return { from: begin, to: Math.min(end, now), only };
}

function viewOf(task: KnownTask, state: UnitState, request: BackfillRequest, now: BackfillView['state']): BackfillView {
  const { id, from, to, only } = request;
  const asked = { ...task, doc: { ...task.doc, backfill: request } };
  const progress = pendingBackfill(state, asked);
  const ticks: Date[] = [];
  let tick = progress && backfillTick(state, asked, request, progress.cursor);
  for (; tick !== undefined && ticks.length < MOST_SHOWN; tick = backfillTick(state, asked, request, tick))
    ticks.push(new Date(tick));
  return {
    ...(now !== 'planned' && { id }),
    task: task.name,
    from: new Date(from),
    to: new Date(to),
    only,
    state: now,
    started: state.backfill?.id === id ? state.backfill.runs : 0,
    remaining: ticks,
    more: tick !== undefined,
  };
}
