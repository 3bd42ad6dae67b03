import { randomBytes } from 'node:crypto';

/** A source of random numbers in [0, 1). Handed to everything that draws, so that a simulation can replay it. */
export type Random = () => number;

const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);
let used = 0;

/** From the system's generator, drawn in pools: one call for each number would cost more than the number. */
export const systemRandom: Random = () => {
  if (used >= pool.length) [pool, used] = [randomBytes(POOL_BYTES), 0];
  const number = pool.readUInt32BE(used);
  used += 4;
  return number / 0x1_0000_0000;
};

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `length` random characters of [0-9a-z]: about 5.17 bits each. */
export function randomId(random: Random, length: number): string {
  let id = '';
  for (let i = 0; i < length; i++) id += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return id;
}

/** Between the task and the rest of a run id: no name of a task has it. */
const SEPARATOR = '~';

/**
 * Run ids of one incarnation of a node: the task, the boot id and a counter. Unique because the boot id is (62 bits), made
 * before the claim is written, and cheap, because ten thousand of them may be wanted in one second.
 */
export class RunIds {
  private count = 0;

  constructor(private readonly bootId: string) {}

  next(task: string): string {
    return `${task}${SEPARATOR}${this.bootId}-${(this.count++).toString(36)}`;
  }
}

/** The task a run is of, by its id alone; empty where that is no id of a run. */
export function taskOfRun(runId: string): string {
  if (typeof runId !== 'string') return '';
  return runId.slice(0, Math.max(0, runId.lastIndexOf(SEPARATOR)));
}
