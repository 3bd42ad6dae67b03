/** What is computed: six schedules to walk along, and as many different ones as are asked for. */

export interface Timetable {
  readonly expression: string;
  readonly zone: string;
}

export interface Walk extends Timetable {
  readonly title: string;
}

export const WALKS: readonly Walk[] = [
  { title: 'every second, UTC', expression: '* * * * * *', zone: 'UTC' },
  { title: 'every 5 min, London', expression: '*/5 * * * *', zone: 'Europe/London' },
  { title: 'weekdays 09:00, New York', expression: '0 9 * * 1-5', zone: 'America/New_York' },
  { title: 'Sundays 00:00, Cairo', expression: '0 0 * * 0', zone: 'Africa/Cairo' },
  { title: 'monthly, Lord Howe', expression: '30 4 1 * *', zone: 'Australia/Lord_Howe' },
  { title: '29 February, Paris', expression: '0 0 29 2 *', zone: 'Europe/Paris' },
];

/** Where a walk begins and, past the end, begins again: history, as some libraries look no more than 8 years ahead of now. */
export const FROM = Date.UTC(2016, 0, 1);
export const UPTO = Date.UTC(2026, 0, 1);

/** Where people live, so that most have clock changes. */
export const ZONES: readonly string[] = [
  ...['UTC', 'Europe/London', 'Europe/Berlin', 'Europe/Paris', 'Europe/Madrid', 'Europe/Rome', 'Europe/Warsaw'],
  ...['Europe/Kyiv', 'Europe/Athens', 'Europe/Istanbul', 'Europe/Moscow', 'Africa/Cairo', 'Africa/Lagos'],
  ...['Africa/Johannesburg', 'Africa/Casablanca', 'Asia/Dubai', 'Asia/Karachi', 'Asia/Kolkata', 'Asia/Dhaka'],
  ...['Asia/Bangkok', 'Asia/Singapore', 'Asia/Shanghai', 'Asia/Tokyo', 'Asia/Seoul', 'Asia/Jerusalem', 'Asia/Tehran'],
  ...['Australia/Sydney', 'Australia/Lord_Howe', 'Australia/Perth', 'Pacific/Auckland', 'Pacific/Honolulu'],
  ...['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles', 'America/Toronto'],
  ...['America/Mexico_City', 'America/Bogota', 'America/Sao_Paulo', 'America/Santiago'],
];

/** No two alike: `s m h * * d` runs through all seconds of all weekdays before it would repeat one. */
export function distinct(count: number, zoneOf: (index: number) => string): Timetable[] {
  return Array.from({ length: count }, (_, i) => {
    const second = (i * 7_919) % 604_800; // a prime, so that neighbours are unlike
    const [s, m, h] = [second % 60, Math.floor(second / 60) % 60, Math.floor(second / 3_600) % 24];
    return { expression: `${s} ${m} ${h} * * ${Math.floor(second / 86_400)}`, zone: zoneOf(i) };
  });
}

/** As teams write them: a thousand different ones, most of them daily, shared by all the rest. */
export function realistic(count: number): Timetable[] {
  const shapes: ((i: number) => string)[] = [
    (i) => `${i % 60} ${i % 24} * * *`,
    (i) => `${(i * 5) % 60} ${6 + (i % 12)} * * 1-5`,
    (i) => `${i % 60} * * * *`,
    (i) => `*/${[1, 5, 10, 15, 30][i % 5]} * * * *`,
    (i) => `0 ${i % 24} * * ${i % 7}`,
    (i) => `30 ${i % 6} ${1 + (i % 28)} * *`,
    (i) => `${i % 60} ${i % 24} * * *`,
    (i) => `*/5 ${8 + (i % 4)}-18 * * 1-5`,
    (i) => `0 ${i % 24},${(i + 12) % 24} * * *`,
    (i) => `0 3 1 ${1 + (i % 12)} *`,
  ];
  const different = Array.from({ length: 1_000 }, (_, i) => {
    const zone = ZONES[Math.floor(i / shapes.length) % ZONES.length]!;
    return { expression: shapes[i % shapes.length]!(Math.floor(i / shapes.length)), zone };
  });
  return Array.from({ length: count }, (_, i) => different[(i * 617) % different.length]!);
}
