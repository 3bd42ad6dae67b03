import type { LoggerService } from '@nestjs/common';
import { inspect, styleText } from 'node:util';

/** What Nest tells of its own start: true, but not what this sample is about. */
const NEST = new Set(['NestFactory', 'NestApplication', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

/** One short line per event: time, who, what. Any other Nest logger would do. */
export class TidyLogger implements LoggerService {
  log = (message: unknown, ...rest: unknown[]): void => this.print('reset', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.print('yellow', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.print('red', message, rest);
  fatal = this.error;

  private print(colour: 'reset' | 'yellow' | 'red', message: unknown, rest: unknown[]): void {
    const context = rest.findLast((part) => typeof part === 'string') ?? '';
    if (colour === 'reset' && NEST.has(context)) return;
    const who = context === 'DistributedSchedule' ? 'scheduler' : context;
    const facts = rest.filter((part) => part !== null && typeof part === 'object');
    const stack = rest.find((part) => typeof part === 'string' && /^\s+at /m.test(part)) as string | undefined;
    const time = new Date().toTimeString().slice(0, 8);
    const text = message instanceof Error ? (message.stack ?? message.message) : String(message);
    const line = [styleText(colour, text), ...facts.map((fact) => dim(inspect(fact, { breakLength: Infinity })))];
    console.log(`${dim(time)}  ${styleText('cyan', who.padEnd(10))}${line.join('  ')}`);
    const where = stack?.split('\n').find((frame) => /^\s+at /.test(frame));
    if (where) console.log(dim(`${' '.repeat(20)}${where.trim()}`));
  }
}

const dim = (text: string): string => styleText('dim', text);
