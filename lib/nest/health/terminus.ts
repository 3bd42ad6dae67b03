import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';

type Outcome = (data: Record<string, unknown>) => object;

/** What is used of Terminus; `degraded` came with version 12. */
export interface TerminusSession {
  up: Outcome;
  down: Outcome;
  degraded?: Outcome;
}

let loading: Promise<typeof import('@nestjs/terminus')> | undefined;

/**
 * Begins a result under this key.
 * @throws DistributedScheduleError `MISSING_PEER` where Terminus is not installed
 */
export async function terminusSession(key: string): Promise<TerminusSession> {
  loading ??= import('@nestjs/terminus');
  try {
    const { HealthIndicatorService } = await loading;
    return new HealthIndicatorService().check(key);
  } catch (error) {
    loading = undefined;
    if (!/Cannot find (?:package|module) '@nestjs\/terminus'/.test(errorMessage(error))) throw error;
    const message =
      'SchedulerHealthIndicator needs the package @nestjs/terminus, which is not installed: npm install @nestjs/terminus. ' +
      'Without it, SchedulerService.health() tells the same';
    throw new DistributedScheduleError('MISSING_PEER', message, { cause: error });
  }
}
