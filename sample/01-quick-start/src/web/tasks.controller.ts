import { Body, Controller, Delete, Get, HttpCode, Param, Post, UseFilters } from '@nestjs/common';
import { SchedulerService, type HistoryRecord, type TaskInput } from 'nestjs-distributed-schedule';
import { ScheduleErrorFilter } from './schedule-error.filter.js';

/** Dynamic tasks over HTTP. An open door is fine on loopback; yours wants a guard. */
@Controller('tasks')
@UseFilters(ScheduleErrorFilter)
export class TasksController {
  constructor(private readonly scheduler: SchedulerService) {}

  @Get()
  list() {
    return Promise.all(
      this.scheduler.listTasks().map(async ({ name, state, source, scheduleText, nextTick, payload }) => {
        const records = await this.scheduler.listRuns({ task: name });
        return {
          name,
          state,
          source,
          schedule: scheduleText,
          nextTick,
          payload,
          lastRuns: records.slice(0, 5).map(brief),
        };
      }),
    );
  }

  /** What is wrong with a task is said by the library, with every problem in one answer. */
  @Post()
  add(@Body() task: TaskInput) {
    return this.scheduler.addTask(task);
  }

  /** Runs it now and answers with the record of the run. */
  @Post(':name/run')
  @HttpCode(200)
  async run(@Param('name') name: string) {
    const run = await this.scheduler.runTask(name, { timeout: '30s' });
    return run.result();
  }

  @Delete(':name')
  @HttpCode(204)
  remove(@Param('name') name: string) {
    return this.scheduler.purgeTask(name);
  }
}

function brief(record: HistoryRecord) {
  if (record.kind === 'skip') return { skipped: record.reason, count: record.count, until: new Date(record.to) };
  const { id, outcome, attempt, nodeId, startedAt, endedAt, error } = record;
  const at = startedAt ?? endedAt;
  return { id, outcome, at: new Date(at), ms: endedAt - at, attempt, nodeId, error: error?.message };
}
