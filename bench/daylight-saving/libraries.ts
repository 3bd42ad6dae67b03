/**
 * What the libraries fire: jobs that really wait for their time, on a clock that is moved by hand. To ask for one time
 * after another would not do: `luxon`, which two of them compute with, reads the clock to settle a time that comes twice.
 */
import { mock } from 'node:test';
import { CronExpressionParser } from 'cron-parser';
import { loadCron, loadCroner, type CronerPeer, type CronPeer } from '../next/peers.js';
import type { ClockChange, Runs } from './changes.js';

const SECOND = 1_000;
const MINUTE = 60_000;
/** Jobs have been running for a day before anything is noted. */
const LEAD = 1_440 * MINUTE;

export const LIBRARIES = ['cron', 'croner', 'cron-parser'] as const;
export type Library = (typeof LIBRARIES)[number];

interface Job {
  readonly library: Library;
  readonly expression: string;
  readonly runs: { at: number[]; failed?: string };
  readonly stop: () => unknown;
}

type OnTick = () => void;
type Start = (expression: string, zone: string, onTick: OnTick, onFailure: (error: Error) => void) => () => unknown;

/** What each library fires in [from, to) for each expression. */
export async function firedByLibraries(change: ClockChange): Promise<Record<Library, Map<string, Runs>>> {
  const starts = startsOf(await loadCron(), await loadCroner());
  const { warn } = console;
  console.warn = () => {}; // cron tells when it is late, which is seen here anyway
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: change.from - LEAD });
  const jobs: Job[] = [];
  try {
    for (const expression of change.expressions) {
      for (const library of LIBRARIES) jobs.push(startJob(library, starts[library], expression, change));
    }
    // All expressions are of whole minutes; in the window time moves by seconds, to see what runs in between.
    for (let now = change.from - LEAD; now < change.from - MINUTE; now += MINUTE) mock.timers.tick(MINUTE);
    for (let now = change.from - MINUTE; now < change.to - SECOND; now += SECOND) mock.timers.tick(SECOND);
  } finally {
    for (const { stop } of jobs) stop();
    mock.timers.reset();
    console.warn = warn;
  }
  const of = (library: Library): Map<string, Runs> =>
    new Map(jobs.filter((job) => job.library === library).map(({ expression, runs }) => [expression, runs]));
  return { cron: of('cron'), croner: of('croner'), 'cron-parser': of('cron-parser') };
}

function startJob(library: Library, start: Start, expression: string, { zone, from }: ClockChange): Job {
  const runs: Job['runs'] = { at: [] };
  const onTick = (): void => {
    if (Date.now() >= from) runs.at.push(Date.now());
  };
  const stop = start(expression, zone, onTick, (error) => (runs.failed = error.message));
  return { library, expression, runs, stop };
}

function startsOf({ CronJob }: CronPeer, { Cron }: CronerPeer): Record<Library, Start> {
  return {
    cron: (cronTime, timeZone, onTick) => {
      const job = CronJob.from({ cronTime, onTick, start: true, timeZone });
      return () => job.stop();
    },
    croner: (expression, timezone, onTick) => {
      const job = new Cron(expression, { timezone }, onTick);
      return () => job.stop();
    },
    'cron-parser': startWithCronParser,
  };
}

/** The parser has no jobs: this is what those do who compute with it, parse again after each run. */
const startWithCronParser: Start = (expression, tz, onTick, onFailure) => {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    try {
      sleepUntil(CronExpressionParser.parse(expression, { tz }).next().getTime());
    } catch (error) {
      onFailure(error as Error);
    }
  };
  const sleepUntil = (next: number): void => {
    timer = setTimeout(
      () => {
        if (Date.now() < next) return sleepUntil(next);
        onTick();
        wait();
      },
      Math.min(next - Date.now(), LEAD), // a timer of Node takes no more than 24 days
    );
  };
  wait();
  return () => clearTimeout(timer);
};
