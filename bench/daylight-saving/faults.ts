/**
 * Where a library goes wrong, by what any user would say, whatever policy he likes: a time that is there once must run
 * once; of a time that comes twice at least one must run; what runs all day must keep its pace; nothing may run at a
 * time that nobody wrote, but for what was skipped, within as long as the jump is.
 */
import type { ClockChange, Runs } from './changes.js';
import { clock, jumpBetween, localTime, offsetText } from './local-time.js';

const MINUTE = 60_000;

export function faultsOf(expression: string, change: ClockChange, { at: fired, failed }: Runs): string[] {
  const { zone, from, to } = change;
  const named = matcher(expression);
  const jump = jumpBetween(zone, from, to);
  const runsAllDay = expression.split(' ')[1] === '*';

  const written = new Map<number, number[]>(); // local time → the instants at which clocks show it
  for (let at = from; at < to; at += MINUTE) {
    const { wall } = localTime(zone, at);
    if (named(wall)) written.set(wall, [...(written.get(wall) ?? []), at]);
  }
  const skipped: number[] = [];
  for (let wall = jump.at + jump.before; wall < jump.at + jump.after; wall += MINUTE) {
    if (named(wall)) skipped.push(wall);
  }

  const isRight = new Set([...written.values()].flat());
  const madeUpUntil = skipped.length > 0 && !runsAllDay ? jump.at + jump.after - jump.before : jump.at;
  const strange = fired.filter((at) => !isRight.has(at) && !(at >= jump.at && at < madeUpUntil));
  const lost = [...written.values()].flatMap((instants) => {
    const missing = instants.filter((at) => !fired.includes(at));
    return runsAllDay || missing.length === instants.length ? missing : [];
  });

  const text = (instants: readonly number[]): string =>
    [
      ...new Set(
        instants.map((at) => `${clock(localTime(zone, at).wall)} (${offsetText(localTime(zone, at).offset)})`),
      ),
    ].join(', ');
  return [
    ...(strange.length > 0 ? [`also runs at ${text(strange)}`] : []),
    ...(failed === undefined && lost.length > 0 ? [`loses ${text(lost)}`] : []),
    ...(skipped.length > 0 && written.size === 0 && fired.length === 0 ? ['does not run'] : []),
    ...(failed === undefined ? [] : [`${fired.length > 0 ? 'then ' : ''}throws “${failed}”`]),
  ];
}

/** For expressions as they stand in `changes.ts`: numbers, lists, ranges, steps of `*`. */
function matcher(expression: string): (wall: number) => boolean {
  const [minutes, hours, days, months, weekdays] = expression.split(' ').map((field) => {
    const parts = field.split(',').map((part) => {
      const [range, step = '1'] = part.split('/');
      if (range === '*') return (value: number) => value % Number(step) === 0;
      const [first, last = first] = range!.split('-').map(Number);
      return (value: number) => value >= first! && value <= last!;
    });
    return (value: number) => parts.some((matches) => matches(value));
  });
  return (wall) => {
    const at = new Date(wall);
    return (
      minutes!(at.getUTCMinutes()) &&
      hours!(at.getUTCHours()) &&
      days!(at.getUTCDate()) &&
      months!(at.getUTCMonth() + 1) &&
      weekdays!(at.getUTCDay())
    );
  };
}
