/** Puts tasks where each contestant looks for them, beside one that ticks every second. */
import { Redis } from 'ioredis';
import { agendaOnRedis, openAgenda } from '../register/agenda.js';
import { bullmq } from '../register/bullmq.js';
import type { Contestant } from '../register/contestant.js';
import { ours } from '../register/ours.js';
import { taskOf, type BenchTask } from '../register/task.js';
import type { Address } from '../registries/stores.js';
import { HASH } from './nest-schedule.js';
import { TICKING } from './started.js';

/** The tasks up to that number; `from`: so many are there already, and the ticking one. */
export type Fill = (address: Address, from: number | undefined, upTo: number) => Promise<void>;

const AT_A_TIME = 500;
const ticking: BenchTask = {
  name: TICKING,
  cron: '* * * * * *',
  changedCron: '* * * * * *',
  timeZone: 'Europe/Paris',
  payload: { tenant: 'all' },
};

function* tasksOf(from: number | undefined, upTo: number): Iterable<BenchTask> {
  if (from === undefined) yield ticking;
  for (let i = from ?? 0; i < upTo; i++) yield taskOf(i);
}

async function inParallel(tasks: Iterable<BenchTask>, add: (task: BenchTask) => Promise<unknown>): Promise<void> {
  const left = tasks[Symbol.iterator]();
  const loop = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) await add(next.value);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, loop));
}

const registered =
  ({ open }: Contestant): Fill =>
  async (address, from, upTo) => {
    const { add, close } = await open(address);
    await inParallel(tasksOf(from, upTo), add);
    await close();
  };

const inHash: Fill = async ({ host, port }, from, upTo) => {
  const redis = new Redis({ host, port });
  await inParallel(tasksOf(from, upTo), ({ name, ...task }) => redis.hset(HASH, name, JSON.stringify(task)));
  await redis.quit();
};

/** The ticking one has a name of its own, so that its handler is told apart. */
const inAgenda: Fill = async (address, from, upTo) => {
  if (from === undefined) {
    const { agenda, backend } = await openAgenda(address);
    await agenda.create(TICKING, {}).repeatEvery(ticking.cron, { timezone: ticking.timeZone }).save();
    await backend.disconnect();
  }
  const { add, close } = await agendaOnRedis.open(address);
  await inParallel(tasksOf(from ?? 0, upTo), add);
  await close();
};

/** By name of the contestant, as in `starts.ts`. */
export const FILLS: Readonly<Record<string, Fill>> = {
  'bare Nest': async () => {},
  'ours, redis': registered(ours('redis')),
  'ours, etcd': registered(ours('etcd')),
  'ours, zookeeper': registered(ours('zookeeper')),
  'ours, consul': registered(ours('consul')),
  BullMQ: registered(bullmq),
  'Agenda, Redis': inAgenda,
  '@nestjs/schedule, read from Redis': inHash,
};
