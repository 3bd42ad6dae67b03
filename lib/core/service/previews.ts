import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { previewOf, type SchedulePreview } from '../schedule/preview.js';
import { scheduleProblems } from '../schedule/schedule-problems.js';
import {
  compileSchedule,
  normalizeSchedule,
  sameSchedule,
  type ScheduleSpec,
  type StoredSchedule,
} from '../schedule/schedule-spec.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import { requireArgument, requireOptions, text, wholeNumber } from './arguments.js';

export interface PreviewOptions {
  /** Of whatever names none. @default the module's */
  timeZone?: string;
  /** How many ticks, at most 1,000. @default 5 */
  count?: number;
  /** The name of the task it is for: an `H` in cron follows from it. @default '' */
  task?: string;
}

const MAX_TICKS = 1_000;
const COUNT = wholeNumber(0);

/** What schedules will do, for people; nothing is asked of the registry. */
export class Previews {
  constructor(private readonly scheduler: Scheduler) {}

  ofSchedule(spec: ScheduleSpec, options: PreviewOptions): SchedulePreview {
    requireOptions('previewSchedule', options, { timeZone: text, count: COUNT, task: text });
    const problems = scheduleProblems(spec, 'schedule');
    if (problems.length > 0) throw new DistributedScheduleError('INVALID_SCHEDULE', problems.join('; '));
    const { calendars = {}, timeZone: moduleZone } = this.scheduler.options;
    const { timeZone = moduleZone, count = 5, task = '' } = options;
    const stored = normalizeSchedule(spec, { now: this.now, timeZone, calendars, seed: task });
    const preview = previewOf(compileSchedule(stored), {
      stored,
      timeZone: zoneOf(stored) ?? timeZone,
      from: this.now - 1,
      count: Math.min(count, MAX_TICKS),
    });
    // of one other name the numbers may be the same by chance
    const others = Array.from({ length: 30 }, (_, i) =>
      normalizeSchedule(spec, { now: this.now, timeZone, calendars, seed: `${task} ${i}` }),
    );
    if (options.task === undefined && others.some((other) => !sameSchedule(stored, other)))
      preview.warnings.push('H stands for numbers that follow from the name of the task; give it as the option task');
    return preview;
  }

  /** No ticks where the task is not active. */
  ofTask({ schedule, doc, policies }: KnownTask, options: Pick<PreviewOptions, 'count'>): SchedulePreview {
    requireOptions('previewTask', options, { count: COUNT });
    const { count = 5 } = options;
    const { startAt, endAt, oneShot, maxRuns = Infinity } = policies;
    const most = doc.state === 'active' ? Math.min(count, MAX_TICKS, oneShot ? 1 : maxRuns) : 0;
    const stored = doc.definition.schedule;
    return previewOf(schedule, {
      stored,
      timeZone: zoneOf(stored) ?? this.scheduler.options.timeZone,
      from: Math.max(this.now, doc.since),
      count: most,
      ...(startAt !== undefined && { startAt }),
      ...(endAt !== undefined && { endAt }),
    });
  }

  /** Empty where the task is not active. */
  nextTicks({ schedule, doc }: KnownTask, count: number): Date[] {
    requireArgument('count', count, COUNT);
    if (doc.state !== 'active') return [];
    return ticksAfter(schedule, Math.max(this.now, doc.since), Math.min(count, MAX_TICKS));
  }

  private get now(): EpochMs {
    return this.scheduler.context.clock.now();
  }
}

function zoneOf(stored: StoredSchedule): string | undefined {
  return 'timeZone' in stored ? stored.timeZone : undefined;
}

function ticksAfter(schedule: Schedule, from: EpochMs, count: number): Date[] {
  const ticks: Date[] = [];
  let tick = schedule.next(from);
  for (; tick !== undefined && ticks.length < count; tick = schedule.next(tick)) ticks.push(new Date(tick));
  return ticks;
}
