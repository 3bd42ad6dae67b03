/** The libraries that ours is compared with, each behind the one question of all: when next? */
import { CronExpressionParser, type CronExpression } from 'cron-parser';
import { load, versionOf } from '../common/peer.js';
import { cronSchedule } from '../../lib/core/schedule/cron/cron.js';
import type { Schedule } from '../../lib/core/schedule/schedule.js';

export interface Peer<Parsed = unknown> {
  readonly name: string;
  readonly version: string;
  /** It knows no zone but that of its process. */
  readonly onlyLocal?: boolean;
  /** Parses anew, or finds what it has parsed, as the library does by itself. */
  parse(expression: string, zone: string): Parsed;
  /** The first tick after the given instant. */
  next(parsed: Parsed, after: number): number | undefined;
}

export interface CronPeer {
  CronTime: new (
    expression: string,
    zone: string,
  ) => { timeZone: string; getNextDateFrom(start: Date, zone: string): { valueOf(): number } };
  CronJob: {
    from(job: { cronTime: string; onTick: () => void; start: boolean; timeZone: string }): { stop(): unknown };
  };
}

export interface CronerPeer {
  Cron: new (
    expression: string,
    options: { timezone: string; paused?: boolean },
    run?: () => void,
  ) => { nextRun(after: Date): Date | null; stop(): void };
}

interface CronSchedulePeer {
  readonly parseCronExpression: (expression: string) => { getNextDate(after: Date): Date };
}

export const loadCron = (): Promise<CronPeer> => load('cron');
export const loadCroner = (): Promise<CronerPeer> => load('croner');

/** Ours first: the others are read as ratios to it. Each is loaded by itself, so that a process may know only one. */
export const peers: Readonly<Record<string, () => Promise<Peer>>> = {
  ours: async () =>
    peer<Schedule>({
      name: 'ours',
      version: '',
      parse: (expression, zone) => cronSchedule(expression, zone),
      next: (schedule, after) => schedule.next(after),
    }),
  'cron-parser': async () => cronParser(),
  croner: async () => {
    const { Cron } = await loadCroner();
    return peer<InstanceType<CronerPeer['Cron']>>({
      name: 'croner',
      version: versionOf('croner'),
      parse: (expression, timezone) => new Cron(expression, { timezone, paused: true }),
      next: (job, after) => job.nextRun(new Date(after))?.getTime(),
    });
  },
  cron: async () => {
    const { CronTime } = await loadCron();
    return peer<InstanceType<CronPeer['CronTime']>>({
      name: 'cron',
      version: versionOf('cron'),
      parse: (expression, zone) => new CronTime(expression, zone),
      next: (time, after) => time.getNextDateFrom(new Date(after), time.timeZone).valueOf(),
    });
  },
  'cron-schedule': async () => {
    const { parseCronExpression } = await load<CronSchedulePeer>('cron-schedule');
    return peer<ReturnType<CronSchedulePeer['parseCronExpression']>>({
      name: 'cron-schedule',
      version: versionOf('cron-schedule'),
      onlyLocal: true,
      parse: (expression) => parseCronExpression(expression),
      next: (cron, after) => cron.getNextDate(new Date(after)).getTime(),
    });
  },
};

/** Runs in the zone of the process where the library knows no other; all else runs in UTC. */
export function inZone<T>({ onlyLocal }: Peer, zone: string, work: () => T): T {
  if (!onlyLocal) return work();
  process.env.TZ = zone;
  try {
    return work();
  } finally {
    process.env.TZ = 'UTC';
  }
}

/** It walks by itself, which it is fastest at; it is set only where the walk is not continued. */
function cronParser(): Peer {
  let walking: CronExpression | undefined;
  let latest = 0;
  return peer<CronExpression>({
    name: 'cron-parser',
    version: versionOf('cron-parser'),
    parse: (expression, tz) => CronExpressionParser.parse(expression, { tz, currentDate: new Date(0) }),
    next: (parsed, after) => {
      if (parsed !== walking || after !== latest) parsed.reset(new Date(after));
      walking = parsed;
      latest = parsed.next().getTime();
      return latest;
    },
  });
}

/** What it parsed is nobody's business but its own. */
const peer = <Parsed>(of: Peer<Parsed>): Peer => of as Peer;
