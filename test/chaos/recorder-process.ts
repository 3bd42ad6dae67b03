/**
 * The recorder: a process of its own, so that nothing that befalls a node or the harness befalls the log.
 *
 * All witnesses write to one named pipe, a line in one piece each: the kernel keeps them in the order in which they were
 * written, also across processes, and what has been written survives the writer's end. With a socket for each witness
 * the recorder could read a start before the end that made it possible. What it reads it stamps with its own clock, and
 * appends before it reads on: the order of the file is the truth.
 */
import { openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname } from 'node:path';

const [pipe, file] = process.argv.slice(2) as [string, string];
const log = openSync(file, 'a');
// Opened for writing too, so that it never sees the end of the pipe while nobody else writes.
const told = new Socket({ fd: openSync(pipe, 'r+'), readable: true, writable: false });
let begun = '';
told.setEncoding('utf8').on('data', (text: string) => {
  const at = Date.now();
  const lines = (begun + text).split('\n');
  begun = lines.pop()!;
  const stamped = lines.map((line) => `${JSON.stringify({ ...(JSON.parse(line) as object), at })}\n`);
  if (stamped.length > 0) writeSync(log, stamped.join(''));
});
process.on('disconnect', () => {
  rmSync(dirname(file), { recursive: true, force: true }); // the harness has gone, and did not do it
  process.exit();
});
process.send!('ready');
