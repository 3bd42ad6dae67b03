import { cronSchedule } from '../../lib/core/schedule/cron/cron.js';
import type { DstPolicy } from '../../lib/core/schedule/zone/dst.js';
import type { ClockChange } from './changes.js';

type Stretch = Pick<ClockChange, 'zone' | 'from' | 'to'>;

/** What we fire in [from, to). */
export function firedByUs(expression: string, { zone, from, to }: Stretch, dst?: DstPolicy): number[] {
  const schedule = cronSchedule(expression, zone, dst);
  const fired: number[] = [];
  for (let tick = schedule.next(from - 1); tick !== undefined && tick < to; tick = schedule.next(tick)) {
    fired.push(tick);
  }
  return fired;
}
