/** Local time as `Intl` has it: nothing here knows how we compute it, so it can judge us as well as others. */

const MINUTE = 60_000;

interface Local {
  /** As if it were UTC. */
  readonly wall: number;
  /** Local time minus UTC. */
  readonly offset: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

export function localTime(zone: string, instant: number): Local {
  let format = formats.get(zone);
  if (!format) {
    const shape = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { ...shape, timeZone: zone, hourCycle: 'h23' });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute } = parts as Record<'year' | 'month' | 'day' | 'hour' | 'minute', number>;
  const wall = Date.UTC(year, month - 1, day, hour, minute) + (instant % MINUTE);
  return { wall, offset: wall - instant };
}

export interface Jump {
  /** The first instant with the new offset. */
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** The clock change in [from, to). */
export function jumpBetween(zone: string, from: number, to: number): Jump {
  for (let at = from + MINUTE; at < to; at += MINUTE) {
    const [before, after] = [localTime(zone, at - MINUTE).offset, localTime(zone, at).offset];
    if (before !== after) return { at, before, after };
  }
  throw new Error(
    `The clocks of ${zone} do not change between ${iso(from)} and ${iso(to)}; is its zone data very old?`,
  );
}

const iso = (instant: number): string => new Date(instant).toISOString();
const two = (n: number): string => String(n).padStart(2, '0');

/** `02:30` */
export const clock = (wall: number): string => new Date(wall).toISOString().slice(11, 16);

/** `Sun 9 March 2025` */
export function date(wall: number): string {
  const parts = { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' } as const;
  return new Date(wall).toLocaleDateString('en-GB', { ...parts, timeZone: 'UTC' }).replace(',', '');
}

/** `−5`, `+10:30` */
export function offsetText(offset: number): string {
  const minutes = Math.abs(offset) / MINUTE;
  const rest = minutes % 60;
  return `${offset < 0 ? '−' : '+'}${Math.floor(minutes / 60)}${rest ? `:${two(rest)}` : ''}`;
}
