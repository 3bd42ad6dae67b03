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

  // More, so that every node has its share.
  @DistributedCron('0,20,40 * * * * *', { name: 'mail.north' })
  @DistributedCron('5,25,45 * * * * *', { name: 'mail.east' })
  @DistributedCron('10,30,50 * * * * *', { name: 'mail.south' })
  @DistributedCron('15,35,55 * * * * *', { name: 'mail.west' })
  sendMail(run: TaskRun) {
    this.tell(run);
  }

  private tell({ task, tick, fencingToken }: TaskRun): void {
    const late = Date.now() - tick!.getTime();
    const lateness = late < 500 ? '' : `  ${(late / 1_000).toFixed(1)} s late`;
    const time = tick!.toISOString().slice(11, 19);
    console.log(`tick ${time}  ${task.padEnd(15)} on ${this.scheduler.nodeId}  token ${fencingToken}${lateness}`);
  }
}
