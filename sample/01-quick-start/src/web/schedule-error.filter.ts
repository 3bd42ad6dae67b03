import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DistributedScheduleError, type ErrorCode } from 'nestjs-distributed-schedule';

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_SCHEDULE: 400,
  INVALID_TASK: 400,
  TASK_NOT_FOUND: 404,
  TASK_DELETED: 409,
  TASK_EXISTS: 409,
  TASK_RUNNING: 409,
  TASK_STATE: 409,
  RUN_TIMEOUT: 504,
};

/** Errors of the library carry a stable code; what is not the caller's fault is a matter of the cluster. */
@Catch(DistributedScheduleError)
export class ScheduleErrorFilter implements ExceptionFilter<DistributedScheduleError> {
  constructor(private readonly adapters: HttpAdapterHost) {}

  catch({ code, message }: DistributedScheduleError, host: ArgumentsHost) {
    const status = STATUS[code] ?? 503;
    this.adapters.httpAdapter.reply(host.switchToHttp().getResponse(), { status, code, message }, status);
  }
}
