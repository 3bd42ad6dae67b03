import { Injectable } from '@nestjs/common';
import { DistributedCron, TaskHandler, type TaskRun } from 'nestjs-distributed-schedule';
import { report } from './report.js';

@Injectable()
export class Jobs {
  /** A static task: declared by every process, run by one. */
  @DistributedCron('*/5 * * * * *', { name: 'clean-up' })
  cleanUp(run: TaskRun) {
    tell(run);
  }

  /** The handler of all dynamic tasks of this sample. */
  @TaskHandler('work')
  work(run: TaskRun) {
    tell(run);
  }
}

/** Told before anything else is done, and synchronously: not even `kill -9` takes it back. */
function tell({ task, tick, trigger }: TaskRun): void {
  report({ type: 'run', task, tick: tick!.getTime(), trigger, at: Date.now() });
}
