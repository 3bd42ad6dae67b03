/** One process of the `register` scenario: registers tasks with one contestant, on a store that is empty. */
import { once } from 'node:events';
import type { Address } from './registries/stores.js';
import { contestantsNamed } from './register/contestants.js';
import { taskOf, type BenchTask } from './register/task.js';

export interface RegisterJob {
  contestant: string;
  address: Address;
  tasks: number;
  /** How many are added, changed and removed one after the other. */
  singly: number;
  /** How many calls are under way at a time where there are many. */
  parallel: number;
}

/** Tasks per second, but for the list, which is in milliseconds. */
export interface RegisterReport {
  addSingly: number;
  changeSingly: number;
  removeSingly: number;
  addMany: number;
  addAll: number;
  listMs: number;
  changeMany: number;
  removeMany: number;
}

const [job] = (await once(process, 'message')) as [RegisterJob];
const { tasks, singly, parallel } = job;
const [{ open }] = contestantsNamed(job.contestant) as [ReturnType<typeof contestantsNamed>[number]];
const registrations = await open(job.address);
const all = Array.from({ length: tasks }, (_, i) => taskOf(i));
const some = Array.from({ length: singly }, (_, i) => taskOf(tasks + i));
const { add, change, remove } = registrations;

/** So many calls at a time until all are done. @returns tasks per second */
async function rate(
  work: (task: BenchTask) => Promise<unknown>,
  given: readonly BenchTask[],
  atATime: number,
): Promise<number> {
  const started = performance.now();
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < given.length) await work(given[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(atATime, given.length) }, loop));
  return given.length / ((performance.now() - started) / 1_000);
}

/** @throws Error where not all are there: who loses some is not fast */
async function listed(count: number): Promise<number> {
  const started = performance.now();
  const found = await registrations.list();
  const took = performance.now() - started;
  if (found !== count) throw new Error(`${job.contestant} lists ${found} of ${count} tasks`);
  return took;
}

async function told(word: string | RegisterReport): Promise<void> {
  process.send!(word);
  await once(process, 'message');
}

// what it says is asked for: what the server holds is looked at between
await told('open');
const addSingly = await rate(add, some, 1);
const changeSingly = await rate(change, some, 1);
const removeSingly = await rate(remove, some, 1);
await listed(0);
const addMany = await rate(add, all, parallel);
await told('full');
const listMs = await listed(tasks);
const changeMany = await rate(change, all, parallel);
await listed(tasks);
const removeMany = await rate(remove, all, parallel);
await listed(0);
const addAll = await rate(add, all, tasks);
await listed(tasks);
const report: RegisterReport = {
  addSingly,
  changeSingly,
  removeSingly,
  addMany,
  addAll,
  listMs,
  changeMany,
  removeMany,
};
await told(report);
await registrations.close();
process.disconnect();
