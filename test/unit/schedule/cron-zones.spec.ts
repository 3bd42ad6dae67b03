import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  changesOf,
  type ClockChange,
  jumpOf,
  matchingTimes,
  POLICIES,
  ticksByCalendar,
  ticksOf,
  walkTheClock,
} from './clock-walk.js';
import { anyCron, cronAround, type CronCase, quartersOf, sparseCron } from './cron-arbitrary.js';
import { compareAllPolicies, compared, compareTicks } from './tick-comparison.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** CRON_ORACLE_SCALE=12 for a deep run: so many times the five years, back to 1971 at most, and the random cases; with a finer search for changes. */
const SCALE = Number(process.env['CRON_ORACLE_SCALE'] ?? 1);
const TO = Date.UTC(2031, 0, 1);
const FROM = Date.UTC(Math.max(1971, 2031 - 5 * SCALE), 0, 1);
const SEARCH_STEP = SCALE > 1 ? 6 * HOUR : 12 * HOUR;
const TIMEOUT = 120_000 * SCALE;

const ZONES = Intl.supportedValuesOf('timeZone');
const AREAS = [...new Set(ZONES.map((zone) => zone.split('/')[0]!))];

const zonesOf = (area: string): string[] => ZONES.filter((zone) => zone.split('/')[0] === area);

const known = new Map<string, ClockChange[]>();
function changesIn(zone: string): ClockChange[] {
  const changes = known.get(zone) ?? changesOf(zone, FROM - 4 * DAY, TO + 4 * DAY, SEARCH_STEP);
  known.set(zone, changes);
  return changes;
}

const hourOf = (wall: number): number => new Date(wall).getUTCHours();

/** Random expressions, from some hours before a change to some hours after it, by a walk along the clock. */
function checkChange(zone: string, change: ClockChange): void {
  const reach = Math.abs(jumpOf(change)) + 2 * HOUR;
  const from = Math.floor((change.at - reach) / MINUTE) * MINUTE;
  const to = from + 2 * reach;
  const times = walkTheClock(zone, from, to, [change]);
  const edges = [-Math.abs(jumpOf(change)), 0, Math.abs(jumpOf(change))].map((later) => change.at + later - 1_500);
  const hours = [hourOf(change.before), hourOf(change.after)];
  const around = fc.constantFrom(change.before, change.after).chain((wall) => cronAround(wall, hours));
  const crons = fc.oneof({ weight: 3, arbitrary: around }, { weight: 1, arbitrary: anyCron });
  const starts = fc.array(fc.integer({ min: from, max: to }), { maxLength: 3 });
  fc.assert(
    fc.property(crons, starts, (cron, some) => {
      const matching = matchingTimes(cron, times);
      compareAllPolicies(cron, { zone, from, to, starts: [...edges, ...some] }, (policy) =>
        ticksOf(cron, policy, matching),
      );
    }),
    { numRuns: 4, examples: hours.map((hour): [CronCase, number[]] => [quartersOf(hour), []]) }, // the examples are two of the four
  );
  compared.changes++;
}

describe('cron, in every zone of the runtime', () => {
  it.each(AREAS)(
    '%s: fires around every change what a walk along the clock says, by all six policies',
    (area) => {
      for (const zone of zonesOf(area)) {
        const changes = changesIn(zone);
        const distances = changes.slice(1).map(({ at }, i) => at - changes[i]!.at);
        // Four days apart, or the windows and the calendar below are no oracle.
        expect(Math.min(Infinity, ...distances)).toBeGreaterThan(4 * DAY);
        for (const change of changes) checkChange(zone, change);
      }
    },
    TIMEOUT,
  );

  it.each(AREAS)(
    '%s: fires at any time what a walk along the clock says',
    (area) => {
      const instant = fc.integer({ min: FROM / MINUTE, max: TO / MINUTE }).map((minutes) => minutes * MINUTE);
      for (const zone of zonesOf(area)) {
        fc.assert(
          fc.property(instant, anyCron, (at, cron) => {
            const isNear = changesIn(zone).some((change) => Math.abs(change.at - at) < 2 * DAY);
            const from = isNear ? at + 4 * DAY : at;
            const to = from + 4 * HOUR;
            const matching = matchingTimes(cron, walkTheClock(zone, from, to, []));
            compareAllPolicies(cron, { zone, from, to, starts: [] }, (policy) => ticksOf(cron, policy, matching));
            compared.windows++;
          }),
          { numRuns: 4 * SCALE },
        );
      }
    },
    TIMEOUT,
  );

  it.each(AREAS)(
    '%s: fires over the years what a calendar says, from wherever it starts',
    (area) => {
      const instant = fc.integer({ min: FROM, max: TO - 30 * DAY });
      const parts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
      for (const zone of zonesOf(area)) {
        fc.assert(
          fc.property(sparseCron, fc.constantFrom(...POLICIES), instant, parts, (cron, policy, from, starts) => {
            const days = Math.max(10, 400 / (cron.hours.length * cron.minutes.length));
            const to = Math.min(TO, from + days * DAY);
            const stretch = { zone, from, to, starts: starts.map((part) => Math.floor(from + part * (to - from))) };
            compareTicks(cron, policy, stretch, ticksByCalendar(cron, policy, zone, from, to));
            compared.windows++;
          }),
          { numRuns: 8 * SCALE },
        );
      }
    },
    TIMEOUT,
  );

  it('all of them, and often enough', () => {
    const { zones, changes, windows, expressions, schedules, ticks } = compared;
    const changing = ZONES.filter((zone) => changesIn(zone).length > 0).length;
    process.stdout.write(
      `cron against the clock, ${new Date(FROM).getUTCFullYear()} to 2030: ${zones.size} zones, ${changes} changes in ${changing} of them, ` +
        `${windows} other windows, ${expressions.size} expressions, ${schedules} schedules, ${ticks} ticks\n`,
    );
    expect(zones.size).toBe(ZONES.length);
    expect(zones.size).toBeGreaterThanOrEqual(400);
    expect(changes).toBeGreaterThan(1_000 * SCALE);
    expect(schedules).toBeGreaterThan(15_000 * SCALE);
    expect(ticks).toBeGreaterThan(500_000 * SCALE);
  });
});
