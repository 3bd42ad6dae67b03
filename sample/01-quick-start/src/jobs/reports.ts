import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerService, TaskHandler, type TaskRun } from 'nestjs-distributed-schedule';

/** Dynamic tasks: one handler, and as many tasks as there are customers, added while the application runs. */
@Injectable()
export class Reports implements OnApplicationBootstrap {
  private readonly logger = new Logger('reports');

  constructor(private readonly scheduler: SchedulerService) {}

  @TaskHandler('report')
  send(run: TaskRun<{ customer?: string } | undefined>) {
    const customer = run.payload?.customer ?? 'nobody in particular';
    this.logger.log(`report for ${customer} sent (${run.trigger === 'manual' ? 'asked for by hand' : 'by schedule'})`);
    return { customer };
  }

  /** Every replica may do this at every start: `putTask` creates what is not there and leaves alike what is. */
  async onApplicationBootstrap() {
    await this.scheduler.putTask({
      name: 'report:acme',
      handler: 'report',
      schedule: { every: '10s' },
      payload: { customer: 'Acme' },
      description: 'Added at start through SchedulerService',
    });
  }
}
