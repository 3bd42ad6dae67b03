import { styleText } from 'node:util';

/** What to look at, before the log begins. */
export function banner(port: number): string {
  const url = `http://localhost:${port}`;
  const row = (what: string, where: string): string => `  ${what.padEnd(10)}${styleText('cyan', where)}`;
  return [
    '',
    styleText('bold', '  nestjs-distributed-schedule · quick start'),
    '',
    row('Tasks', `${url}/`),
    row('Health', `${url}/health`),
    row('JSON', `${url}/tasks`),
    '',
    styleText('dim', '  Ctrl-C stops it: runs end first, then the process.'),
    '',
  ].join('\n');
}
