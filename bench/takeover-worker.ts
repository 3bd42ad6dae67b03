/** One process of the `takeover` and `rolling` scenarios: a member of one contestant, with its diary. */
import 'reflect-metadata';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from './registries/stores.js';
import { CONTESTANTS } from './takeover/contestants.js';
import type { BenchTask } from './takeover/contestant.js';
import { Diary } from './takeover/diary.js';

export interface MemberJob {
  readonly contestant: string;
  readonly address: Address;
  readonly namespace: string;
  readonly diary: string;
  /** Those that have been declared already: it may be called for them as soon as it takes part. */
  readonly tasks: readonly BenchTask[];
}

export type MemberOrder =
  | 'leave'
  /** `shared`: it is the one that declares what all processes share. */
  | { readonly declare: readonly BenchTask[]; readonly shared: boolean }
  | { readonly owned: true };

export type MemberReport = 'joined' | 'declared' | { readonly owned: readonly string[] | undefined };

process.once('disconnect', () => process.exit(1)); // the bench has died
const [{ contestant, address, namespace, diary: path, tasks: known }] = (await once(process, 'message')) as [MemberJob];
const tell = (report: MemberReport): void => void process.send!(report);
const diary = new Diary(path);
const runMs = new Map<string, number>();
const take = (tasks: readonly BenchTask[]): void => tasks.forEach((task) => runMs.set(task.name, task.runMs));
take(known);

const member = await CONTESTANTS[contestant]!.join({
  address,
  namespace,
  async run(task, tick) {
    diary.write('start', task, tick);
    const ms = runMs.get(task)!;
    if (ms > 0) await sleep(ms);
    diary.write('end', task, tick);
  },
});

async function leave(): Promise<void> {
  await member.leave();
  process.removeAllListeners('disconnect');
  process.disconnect();
}

async function obey(order: MemberOrder): Promise<void> {
  if (order === 'leave') return leave();
  if ('owned' in order) return tell({ owned: member.owned() });
  take(order.declare);
  await member.declare(order.declare, order.shared);
  tell('declared');
}

process.on('message', (order: MemberOrder) => void obey(order));
process.once('SIGTERM', () => void leave());
tell('joined');
