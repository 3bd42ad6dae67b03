import { type CronFields, fieldTexts, parseFields } from './cron/cron-fields.js';
import { type DstPolicy, resolveDst } from './zone/dst.js';
import { expressionsOf } from './local-times.js';
import type { StoredSchedule } from './schedule-spec.js';

type Single = Exclude<StoredSchedule, { anyOf: StoredSchedule[] }>;

/** One cron expression that a schedule is made of, however it was written. */
export interface LocalPart {
  /** Where its user wrote cron: the expression. */
  readonly cron?: string;
  /** The six fields as text, and as numbers. */
  readonly texts: readonly string[];
  readonly fields: CronFields;
  readonly timeZone: string;
  readonly dst: Required<DstPolicy>;
  /** Whether a policy was given. */
  readonly hasDst: boolean;
}

/** The schedule as it would be if nothing were left out. */
export function withoutExceptions(stored: StoredSchedule): StoredSchedule {
  if ('at' in stored) return stored;
  const { except: _, ...bare } = stored;
  return 'anyOf' in bare ? { ...bare, anyOf: bare.anyOf.map(withoutExceptions) } : bare;
}

/** What a union joins, however deep; any other schedule is its own only part. */
export function partsOf(stored: StoredSchedule): Single[] {
  return 'anyOf' in stored ? stored.anyOf.flatMap(partsOf) : [stored];
}

/** The expressions of local times that a schedule is made of, up to `most`. */
export function localParts(stored: StoredSchedule, most: number): LocalPart[] {
  const parts = partsOf(stored).flatMap((part) => {
    if ('at' in part || 'every' in part) return [];
    return expressionsOf(part).map((expression) => ({ part, expression }));
  });
  return parts.slice(0, most).map(({ part, expression }) => ({
    ...('cron' in part && { cron: expression }),
    texts: fieldTexts(expression),
    fields: parseFields(expression),
    timeZone: part.timeZone,
    dst: resolveDst(part.dst),
    hasDst: part.dst !== undefined,
  }));
}
