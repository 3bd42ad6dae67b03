import { Logger, Module, type OnModuleDestroy } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DistributedScheduleModule } from 'nestjs-distributed-schedule';
import { Reports } from './jobs/reports.js';
import { ShopJobs } from './jobs/shop-jobs.js';
import { BoardController } from './web/board.controller.js';
import { HealthController } from './web/health.controller.js';
import { TasksController } from './web/tasks.controller.js';

@Module({
  imports: [
    // One process, nothing to install. For a cluster give every replica the same registry:
    //   DistributedScheduleModule.forRoot({ registry: { type: 'redis', url: 'redis://localhost:6379' } })
    DistributedScheduleModule.forRoot({ version: '1.0.0' }),
    TerminusModule,
  ],
  providers: [ShopJobs, Reports],
  controllers: [BoardController, TasksController, HealthController],
})
export class AppModule implements OnModuleDestroy {
  onModuleDestroy() {
    new Logger('shop').log('stopping: no tick is taken any more, runs that are going on may end');
  }
}
