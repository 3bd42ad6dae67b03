import { Controller, Get, Header } from '@nestjs/common';
import { SchedulerService } from 'nestjs-distributed-schedule';
import { boardPage } from './board.page.js';

/** One page that shows what goes on, made of nothing but `SchedulerService`. */
@Controller()
export class BoardController {
  constructor(private readonly scheduler: SchedulerService) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  async show() {
    const tasks = await Promise.all(
      this.scheduler.listTasks().map(async (task) => {
        return { task, records: await this.scheduler.listRuns({ task: task.name }) };
      }),
    );
    return boardPage(this.scheduler.health(), tasks);
  }
}
