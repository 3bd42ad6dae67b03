import fc from 'fast-check';

/** A time on the clock as numbers, and how long its month is. */
export interface WallTime {
  second: number;
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
  daysInMonth: number;
}

/** A field as text, and its meaning worked out apart from any parser. */
interface Field {
  text: string;
  matches: (value: number) => boolean;
}

interface DayField {
  text: string;
  matches: (time: WallTime) => boolean;
}

/** A cron expression and its meaning on a clock that never changes. */
export interface CronCase {
  expression: string;
  everyHour: boolean;
  seconds: number[];
  minutes: number[];
  hours: number[];
  /** Whether the day is one of its days; asks for nothing but the date. */
  isDay: (time: WallTime) => boolean;
  matches: (time: WallTime) => boolean;
}

const SECOND = 1_000;
const DAY = 86_400 * SECOND;

export function wallTimeOf(wall: number): WallTime {
  const date = new Date(wall);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    second: date.getUTCSeconds(),
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: month + 1,
    weekday: date.getUTCDay(),
    daysInMonth: new Date(Date.UTC(year, month + 1, 0)).getUTCDate(),
  };
}

/** The matching times of the day that begins at `day`, by looking at every hour, minute and second that a day has. */
export function wallsOfDay({ isDay, hours, minutes, seconds }: CronCase, day: number): number[] {
  if (!isDay(wallTimeOf(day))) return [];
  return hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => day + ((h * 60 + m) * 60 + s) * SECOND)));
}

export const startOfDay = (wall: number): number => Math.floor(wall / DAY) * DAY;

const star: Field = { text: '*', matches: () => true };
const anyDay: DayField = { text: '*', matches: () => true };

function listOf(values: readonly number[]): Field {
  return { text: values.join(','), matches: (v) => values.includes(v) };
}

function field(min: number, max: number): fc.Arbitrary<Field> {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value, fc.integer({ min: 1, max: Math.ceil(max / 2) })).map(([a, b, step]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    return {
      text: step === 1 ? `${from}-${to}` : `${from}-${to}/${step}`,
      matches: (v: number) => v >= from && v <= to && (v - from) % step === 0,
    };
  });
  const list = fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map(listOf);
  const step = fc.integer({ min: 2, max: max - min }).map((every) => ({
    text: `*/${every}`,
    matches: (v: number) => (v - min) % every === 0,
  }));
  return fc.oneof(fc.constant(star), range, list, step);
}

const dayOfMonth: fc.Arbitrary<DayField> = fc.oneof(
  fc.constant(anyDay),
  field(1, 28).map(({ text, matches }) => ({ text, matches: ({ day }: WallTime) => matches(day) })),
  fc.constant({ text: 'L', matches: ({ day, daysInMonth }: WallTime) => day === daysInMonth }),
);

/** `15W` up to the latest day given, `LW`, or one of them with a plain day. */
const nearWorkday = (latest: number): fc.Arbitrary<DayField> =>
  fc.tuple(fc.option(fc.integer({ min: 1, max: latest })), fc.constantFrom(0, 7, 20)).map(([wanted, other]) => ({
    text: (wanted === null ? 'LW' : `${wanted}W`) + (other > 0 ? `,${other}` : ''),
    matches: (time) => time.day === other || time.day === workdayNear(wanted ?? time.daysInMonth, time),
  }));

/** Of the days from Monday to Friday of this month the one closest to `wanted`; none where the month has no such day. */
function workdayNear(wanted: number, { day, weekday, daysInMonth }: WallTime): number | undefined {
  const isWorkday = (d: number): boolean => ![0, 6].includes((((weekday + d - day) % 7) + 7) % 7);
  const workdays = Array.from({ length: daysInMonth }, (_, i) => i + 1).filter(isWorkday);
  return wanted > daysInMonth ? undefined : workdays.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))[0];
}

const NAMES = ['sun', 'MON', 'Tue', 'wed', 'thu', 'fri', 'SAT'];
const dayOfWeek: fc.Arbitrary<DayField> = fc.oneof(
  fc.constant(anyDay),
  field(0, 6).map(({ text, matches }) => ({ text, matches: ({ weekday }: WallTime) => matches(weekday) })),
  fc.integer({ min: 0, max: 6 }).map((d) => ({ text: NAMES[d]!, matches: ({ weekday }: WallTime) => weekday === d })),
  fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5 })).map(([d, nth]) => ({
    text: `${d}#${nth}`,
    matches: ({ weekday, day }: WallTime) => weekday === d && Math.ceil(day / 7) === nth,
  })),
  fc.integer({ min: 0, max: 6 }).map((d) => ({
    text: `${d}L`,
    matches: ({ weekday, day, daysInMonth }: WallTime) => weekday === d && day > daysInMonth - 7,
  })),
);

function combine(
  second: Field | undefined,
  [minute, hour, day, month, weekday]: [Field, Field, DayField, Field, DayField],
): CronCase {
  const fields = [minute.text, hour.text, day.text, month.text, weekday.text];
  const isDay = (time: WallTime): boolean =>
    month.matches(time.month) &&
    (day.text === '*'
      ? weekday.matches(time)
      : weekday.text === '*'
        ? day.matches(time)
        : day.matches(time) || weekday.matches(time));
  const among = (size: number, { matches }: Field): number[] =>
    Array.from({ length: size }, (_, i) => i).filter(matches);
  const expression = (second ? [second.text, ...fields] : fields).join(' ');
  const hours = among(24, hour);
  const cron = {
    expression,
    everyHour: hours.length === 24,
    seconds: second ? among(60, second) : [0],
    minutes: among(60, minute),
    hours,
    isDay,
    matches: (time: WallTime) =>
      (second ? second.matches(time.second) : time.second === 0) &&
      minute.matches(time.minute) &&
      hour.matches(time.hour) &&
      isDay(time),
  };
  // What a failing property prints.
  return Object.defineProperty(cron, fc.toStringMethod, { value: () => JSON.stringify(expression) });
}

const parts = fc.tuple(field(0, 59), field(0, 23), dayOfMonth, field(1, 12), dayOfWeek);
const seconds = fc.option(field(0, 59), { nil: undefined });

/** Any expression of five or six fields that other libraries know too. */
export const anyCron: fc.Arbitrary<CronCase> = fc
  .tuple(seconds, parts)
  .map(([second, fields]) => combine(second, fields));

/** Expressions with `15W`, `LW` and lists with one of them. */
export const workdayCron: fc.Arbitrary<CronCase> = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    fc.oneof(fc.tuple(nearWorkday(31), fc.constant(star)), fc.tuple(nearWorkday(29), field(1, 12))),
    dayOfWeek,
  )
  .map(([minute, hour, [day, month], weekday]) => combine(undefined, [minute, hour, day, month, weekday]));

/** Expressions that fire on most days, at whole minutes. */
export const dailyCron: fc.Arbitrary<CronCase> = fc
  .tuple(field(0, 59), fc.oneof(field(0, 23), field(0, 3), fc.constant(star)))
  .map(([minute, hour]) => combine(undefined, [minute, hour, anyDay, star, anyDay]));

/** Expressions of a few days: at most 48 times on each. */
export const sparseCron: fc.Arbitrary<CronCase> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 2 }).map(listOf),
    fc.oneof(field(0, 23), field(0, 3)),
    fc.oneof(dayOfMonth, nearWorkday(29)),
    field(1, 12),
    dayOfWeek,
  )
  .map((fields) => combine(undefined, fields));

/** Each quarter of one hour of the day, and its last moment. */
export function quartersOf(hourOfDay: number): CronCase {
  return combine(listOf([0, 59]), [listOf([0, 15, 30, 45, 59]), listOf([hourOfDay]), anyDay, star, anyDay]);
}

const HOURS = Array.from({ length: 24 }, (_, h) => h);

/** Expressions that have much to do on the given day, in the hours around those given; some have seconds. */
export function cronAround(wall: number, hoursOfDay: readonly number[]): fc.Arbitrary<CronCase> {
  const { day, month, weekday } = wallTimeOf(wall);
  const near = [...new Set(hoursOfDay.flatMap((h) => [h + 23, h, h + 1].map((value) => value % 24)))];
  const allBut = fc.constantFrom(...near).map((value) => listOf(HOURS.filter((h) => h !== value)));
  const hour = fc.oneof(
    allBut,
    fc.uniqueArray(fc.constantFrom(...near), { minLength: 1, maxLength: 3 }).map(listOf),
    field(0, 23),
    fc.constant(star),
  );
  const theDay: fc.Arbitrary<[DayField, Field, DayField]> = fc.constantFrom(
    [anyDay, star, anyDay],
    [anyDay, star, anyDay],
    [{ text: `${day}`, matches: (time) => time.day === day }, listOf([month]), anyDay],
    [anyDay, listOf([month]), { text: NAMES[weekday]!, matches: (time) => time.weekday === weekday }],
  );
  // Whole hours and half ones, and the last moment before them, are where clocks change.
  const part = fc.oneof(field(0, 59), fc.subarray([0, 29, 30, 59], { minLength: 1 }).map(listOf));
  const second = fc.oneof(fc.constant(undefined), part);
  return fc.tuple(second, part, hour, theDay).map(([s, minute, h, [d, m, w]]) => combine(s, [minute, h, d, m, w]));
}
