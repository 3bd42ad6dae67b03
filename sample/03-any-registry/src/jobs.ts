import { Injectable } from '@nestjs/common';
import { DistributedCron, DistributedInterval, SchedulerService, type TaskRun } from 'nestjs-distributed-schedule';

@Injectable()
export class Jobs {
  constructor(private readonly scheduler: SchedulerService) {}

  @DistributedCron('*/2 * * * * *', { name: 'prices.refresh' })
  refreshPrices(run: TaskRun) {
    this.tell(run);
  }

  @DistributedCron('1/4 * * * * *', { name: 'carts.clean' })
  cleanCarts(run: TaskRun) {
    this.tell(run);
  }

  @DistributedInterval('5s', { name: 'stock.count' })
  countStock(run: TaskRun) {
    this.tell(run);
  }

  private tell({ task, tick, fencingToken }: TaskRun): void {
    const time = tick!.toISOString().slice(11, 19);
    console.log(`${time}  ${task.padEnd(15)} on ${this.scheduler.nodeId}  token ${fencingToken}`);
  }
}
