import { Logger } from '@nestjs/common';
import type { LoggerPort } from '../core/common/logger.js';

/** Logs through Nest's `Logger`, so wherever the application has its logs go: texts are constant, what varies is an object. */
export class NestLogger implements LoggerPort {
  private readonly logger: Logger;

  /** @param name of the scheduler, where it has one */
  constructor(name?: string) {
    this.logger = new Logger(name === undefined ? 'DistributedSchedule' : `DistributedSchedule:${name}`);
  }

  debug(message: string, data?: object): void {
    this.logger.debug(message, ...textAndStack(data));
  }

  log(message: string, data?: object): void {
    this.logger.log(message, ...textAndStack(data));
  }

  warn(message: string, data?: object): void {
    this.logger.warn(message, ...textAndStack(data));
  }

  error(message: string, data?: object): void {
    this.logger.error(message, ...textAndStack(data));
  }
}

/** Nest prints a stack as one where it stands last, as a text of its own. */
function textAndStack(data: { stack?: unknown } = {}): unknown[] {
  const { stack, ...rest } = data;
  const told = Object.values(rest).some((value) => value !== undefined) ? [rest] : [];
  return typeof stack === 'string' ? [...told, stack] : told;
}
