import { taskError } from '../common/errors.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import { requireOptions, text } from './arguments.js';
import { beginsAnew } from './redefine.js';
import type { TaskCommands } from './task-commands.js';

/** Why, for those who look at the task. */
export interface HaltOptions {
  note?: string;
}

/** Stopping tasks and letting them go on. */
export class Halts {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly commands: TaskCommands,
  ) {}

  /** No ticks until resumed. Runs that are going on end by themselves. */
  pause(name: string, options: HaltOptions): Promise<KnownTask> {
    return this.halt(name, 'paused', options);
  }

  cancel(name: string, options: HaltOptions): Promise<KnownTask> {
    return this.halt(name, 'cancelled', options);
  }

  /** Goes on with the next tick; a task with a single tick whose time has passed runs at once. */
  async resume(name: string): Promise<KnownTask> {
    const taken = await this.hasRun(name);
    return this.commands.edit(name, (doc, now) => {
      if (doc.state === 'active') return undefined;
      if (doc.state === 'completed')
        throw taskError(
          'TASK_STATE',
          name,
          `Task "${name}" is completed: it has no tick left. Give it another schedule with updateSchedule`,
        );
      const { note: _note, ...rest } = doc;
      const { schedule } = doc.definition;
      const since = beginsAnew(doc, now);
      const overdue = 'at' in schedule && schedule.at > doc.since && schedule.at <= now && !taken;
      const definition = overdue ? { ...doc.definition, schedule: { at: since + 1 } } : doc.definition;
      return { ...rest, definition, state: 'active', since, updatedAt: now };
    });
  }

  /** Whether the single tick of a task has been taken; of another task the answer does not matter. */
  private async hasRun(name: string): Promise<boolean> {
    const { doc, units } = await this.commands.readAnew(name);
    const { schedule } = doc.definition;
    if (!('at' in schedule)) return false;
    const states = await Promise.all(units.map((unit) => this.scheduler.context.units.read(unit)));
    return states.some((state) => state !== undefined && state.cursor >= schedule.at);
  }

  private async halt(name: string, state: 'paused' | 'cancelled', options: HaltOptions): Promise<KnownTask> {
    requireOptions(state === 'paused' ? 'pauseTask' : 'cancelTask', options, { note: text });
    const { note } = options;
    return this.commands.edit(name, (doc, now) => {
      if (doc.state === 'completed')
        throw taskError('TASK_STATE', name, `Task "${name}" is completed: it has no tick left`);
      const { note: _note, ...rest } = doc;
      return doc.state === state && doc.note === note
        ? undefined
        : { ...rest, state, updatedAt: now, ...(note !== undefined && { note }) };
    });
  }
}
