import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import {
  CronExpression,
  DistributedCron,
  DistributedInterval,
  DistributedTimeout,
  OnTaskError,
  type RunError,
  type RunRecord,
  type TaskRun,
} from 'nestjs-distributed-schedule';

/** Static jobs: decorated methods of an ordinary provider. With three replicas each tick still runs once. */
@Injectable()
export class ShopJobs {
  private readonly logger = new Logger('shop');
  private orders = 0;
  private calls = 0;

  @DistributedCron(CronExpression.EVERY_5_SECONDS, { name: 'prices.refresh', description: 'Asks suppliers for prices' })
  async refreshPrices(run: TaskRun) {
    await sleep(200, undefined, { signal: run.signal }); // ends early when the run is aborted
    this.logger.log(`prices refreshed for the tick of ${run.tick?.toISOString().slice(11, 19)} UTC`);
    return { products: 12 }; // kept as the result of the run
  }

  @DistributedInterval('3s', { name: 'orders.collect', description: 'Collects new orders' })
  collectOrders() {
    this.orders += 1;
    this.logger.log(`order ${this.orders} collected`);
  }

  /** Once in the life of the cluster, not once per replica or restart. */
  @DistributedTimeout('2s', { name: 'cache.warm-up', description: 'Fills the cache after the first start' })
  warmUp() {
    this.logger.log('cache is warm');
  }

  /** Fails now and then. The retry often helps; where it does not, the run is recorded as failed. */
  @DistributedCron('*/7 * * * * *', {
    name: 'stock.import',
    description: 'Reads a flaky API',
    timeout: '5s',
    retry: { attempts: 2, delay: '500ms' },
  })
  importStock(run: TaskRun) {
    this.calls += 1;
    if ([0, 2, 4].includes(this.calls % 5)) throw new Error('the warehouse does not answer');
    this.logger.log(`stock imported${run.attempt > 1 ? `, at attempt ${run.attempt}` : ''}`);
  }

  /** Hears of every run that failed, timed out or was lost. It has been logged already; here one would call people. */
  @OnTaskError()
  alert(error: RunError, run: RunRecord) {
    this.logger.warn(`alert: ${run.task} ${run.outcome} after ${run.attempt} attempts: ${error.message}`);
  }
}
