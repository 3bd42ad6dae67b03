import type { EpochMs } from '../../common/clock.js';
import { timeZone } from './time-zone.js';

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * The instant an ISO 8601 text names; NaN where it names none. Without an offset it is local time in `zone`, never in
 * the zone of the machine, so that all nodes agree. A date alone is its midnight.
 */
export function parseInstant(text: string, zone: string): EpochMs {
  const match = ISO.exec(text.trim());
  if (!match) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const wall = Date.UTC(
    year,
    month - 1,
    day,
    hour,
    minute,
    second,
    Number((match[7] ?? '').slice(0, 3).padEnd(3, '0')),
  );
  const read = new Date(wall);
  if (read.getUTCDate() !== day || read.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59)
    return Number.NaN;
  const offset = match[8];
  if (offset === undefined) return timeZone(zone).instantOf(wall);
  if (offset === 'Z') return wall;
  const ahead = (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3).replace(':', '') || 0)) * 60_000;
  return offset.startsWith('-') ? wall + ahead : wall - ahead;
}
