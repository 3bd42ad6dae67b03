import fc from 'fast-check';

/** A time on the clock as numbers, and whether its day is one of the last seven, or the last, of the month. */
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

export interface CronCase {
  expression: string;
  everyHour: boolean;
  matches: (time: WallTime) => boolean;
}

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

function field(min: number, max: number): fc.Arbitrary<Field> {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value, fc.integer({ min: 1, max: Math.ceil(max / 2) })).map(([a, b, step]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    return {
      text: step === 1 ? `${from}-${to}` : `${from}-${to}/${step}`,
      matches: (v: number) => v >= from && v <= to && (v - from) % step === 0,
    };
  });
  const list = fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map((values) => ({
    text: values.join(','),
    matches: (v: number) => values.includes(v),
  }));
  const step = fc.integer({ min: 2, max: max - min }).map((every) => ({
    text: `*/${every}`,
    matches: (v: number) => (v - min) % every === 0,
  }));
  return fc.oneof(fc.constant(star), range, list, step);
}

const star: Field = { text: '*', matches: () => true };

const dayOfMonth: fc.Arbitrary<DayField> = fc.oneof(
  fc.constant({ text: '*', matches: () => true }),
  field(1, 28).map(({ text, matches }) => ({ text, matches: ({ day }: WallTime) => matches(day) })),
  fc.constant({ text: 'L', matches: ({ day, daysInMonth }: WallTime) => day === daysInMonth }),
);

const NAMES = ['sun', 'MON', 'Tue', 'wed', 'thu', 'fri', 'SAT'];
const dayOfWeek: fc.Arbitrary<DayField> = fc.oneof(
  fc.constant({ text: '*', matches: () => true }),
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
    day.text === '*'
      ? weekday.matches(time)
      : weekday.text === '*'
        ? day.matches(time)
        : day.matches(time) || weekday.matches(time);
  return {
    expression: (second ? [second.text, ...fields] : fields).join(' '),
    everyHour: Array.from({ length: 24 }, (_, h) => h).every(hour.matches),
    matches: (time) =>
      (second ? second.matches(time.second) : time.second === 0) &&
      minute.matches(time.minute) &&
      hour.matches(time.hour) &&
      month.matches(time.month) &&
      isDay(time),
  };
}

const parts = fc.tuple(field(0, 59), field(0, 23), dayOfMonth, field(1, 12), dayOfWeek);

/** Any expression of five or six fields. */
export const anyCron: fc.Arbitrary<CronCase> = fc
  .tuple(fc.option(field(0, 59), { nil: undefined }), parts)
  .map(([second, fields]) => combine(second, fields));

/** Expressions that fire on most days, at whole minutes: for days on which clocks change. */
export const dailyCron: fc.Arbitrary<CronCase> = fc
  .tuple(field(0, 59), fc.oneof(field(0, 23), field(0, 3), fc.constant(star)))
  .map(([minute, hour]) =>
    combine(undefined, [minute, hour, { text: '*', matches: () => true }, star, { text: '*', matches: () => true }]),
  );
