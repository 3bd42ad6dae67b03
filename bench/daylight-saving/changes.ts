/** The clock changes of the page, and what is tried on each. Years whose rules are history, so that no later zone data moves them. */

export interface ClockChange {
  readonly place: string;
  readonly zone: string;
  /** What is looked at: ticks in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly expressions: readonly string[];
  /** What is particular about it, for the page. */
  readonly about?: string;
}

/** What somebody fired in the stretch. */
export interface Runs {
  readonly at: readonly number[];
  /** Why there is no further run: it threw this. */
  readonly failed?: string;
}

const between = (from: string, to: string): Pick<ClockChange, 'from' | 'to'> => ({
  from: Date.parse(from),
  to: Date.parse(to),
});

export const changes: readonly ClockChange[] = [
  {
    place: 'New York',
    zone: 'America/New_York',
    ...between('2025-03-09T06:00Z', '2025-03-09T09:00Z'),
    expressions: ['30 2 * * *', '0 3 * * *', '0 * * * *', '*/30 * * * *', '0,30 1-3 * * *'],
  },
  {
    place: 'New York',
    zone: 'America/New_York',
    ...between('2025-11-02T05:00Z', '2025-11-02T09:00Z'),
    expressions: ['30 1 * * *', '30 2 * * *', '0 * * * *', '*/30 * * * *', '0,30 1-3 * * *'],
  },
  {
    place: 'London',
    zone: 'Europe/London',
    ...between('2025-03-30T00:00Z', '2025-03-30T03:00Z'),
    expressions: ['30 1 * * *', '30 2 * * *', '0 * * * *', '*/30 * * * *', '0,30 1-3 * * *'],
  },
  {
    place: 'London',
    zone: 'Europe/London',
    ...between('2025-10-25T23:00Z', '2025-10-26T04:00Z'),
    expressions: ['30 1 * * *', '30 2 * * *', '0 * * * *', '*/30 * * * *', '0,30 1-3 * * *'],
  },
  {
    place: 'Lord Howe',
    zone: 'Australia/Lord_Howe',
    ...between('2025-10-04T14:30Z', '2025-10-04T17:00Z'),
    expressions: ['15 2 * * *', '45 2 * * *', '0 * * * *', '*/30 * * * *', '0,30 1-3 * * *'],
    about: 'The only zone whose summer time is half an hour.',
  },
  {
    place: 'Lord Howe',
    zone: 'Australia/Lord_Howe',
    ...between('2025-04-05T14:00Z', '2025-04-05T17:30Z'),
    expressions: ['45 1 * * *', '15 2 * * *', '0 * * * *', '*/30 * * * *', '0,30 1-3 * * *'],
  },
  {
    place: 'Apia',
    zone: 'Pacific/Apia',
    ...between('2011-12-30T08:00Z', '2011-12-30T14:00Z'),
    expressions: ['0 2 * * *', '0 2 30 * *', '0 2 * * 5', '0 * * * *', '0 1-3 * * *'],
    about: 'Samoa crossed the date line: there was no Friday, 30 December 2011.',
  },
  {
    place: 'Apia',
    zone: 'Pacific/Apia',
    ...between('2012-09-29T13:00Z', '2012-09-29T16:00Z'),
    expressions: ['30 3 * * *', '0 * * * *', '*/30 * * * *', '0,30 2-4 * * *'],
  },
  {
    place: 'Apia',
    zone: 'Pacific/Apia',
    ...between('2012-03-31T12:00Z', '2012-03-31T16:00Z'),
    expressions: ['30 3 * * *', '0 4 * * *', '0 * * * *', '*/30 * * * *', '0,30 2-4 * * *'],
  },
  {
    place: 'Cairo',
    zone: 'Africa/Cairo',
    ...between('2025-04-24T21:00Z', '2025-04-25T00:00Z'),
    expressions: ['0 0 * * *', '30 0 * * *', '0 0 * * 5', '0 * * * *', '*/30 * * * *'],
    about: 'The hour that is skipped begins at midnight, so the day has no 00:00.',
  },
  {
    place: 'Cairo',
    zone: 'Africa/Cairo',
    ...between('2025-10-30T19:00Z', '2025-10-31T00:00Z'),
    expressions: ['0 0 * * *', '30 23 * * *', '0 * * * 4', '0 * * * *', '*/30 * * * *'],
    about: 'The hour that comes twice is the last of the day.',
  },
];
