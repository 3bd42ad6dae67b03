import { versionOf } from '../common/peer.js';
import type { Row } from '../common/report.js';
import { bullmq } from './bullmq.js';
import type { Contestant } from './contestant.js';
import { lockPerTick } from './lock-per-tick.js';
import { ours } from './ours.js';

export const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  redis: ours('redis'),
  etcd: ours('etcd'),
  zookeeper: ours('zookeeper'),
  consul: ours('consul'),
  bullmq,
  lock: lockPerTick,
};

/** Those that an option names: `redis,bullmq`. */
export function contestantsNamed(names: string): [name: string, contestant: Contestant][] {
  return names.split(',').map((name) => {
    const found = Object.hasOwn(CONTESTANTS, name) ? CONTESTANTS[name] : undefined;
    if (!found) throw new Error(`There is no contestant "${name}"; there are ${Object.keys(CONTESTANTS).join(', ')}.`);
    return [name, found];
  });
}

/** Whether a row of a table, by its column `contestant`, is one of ours. */
export const isOurs = ({ contestant }: Row): boolean =>
  Object.values(CONTESTANTS).some((one) => one.isOurs && one.label === contestant);

export const peerVersions = (): string =>
  ['bullmq', '@nestjs/schedule', 'cron', 'ioredis'].map((name) => `${name} ${versionOf(name)}`).join(', ');
