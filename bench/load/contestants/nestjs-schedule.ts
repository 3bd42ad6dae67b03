import { versionOf } from '../../common/peer.js';
import type { Contestant } from '../contestant.js';
import { nestCronJobs } from './nest-cron-jobs.js';

export const nestjsSchedule: Contestant = {
  name: '@nestjs/schedule',
  version: versionOf('@nestjs/schedule'),
  shares: false,
  settings: 'a CronJob for each task in its SchedulerRegistry',
  join: (load, onStart) => nestCronJobs(load, (task) => onStart(task)),
};
