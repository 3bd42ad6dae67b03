import { nearest } from '../../common/nearest.js';

/** What a schedule of local times does on the days on which clocks change. */
export interface DstPolicy {
  /**
   * The clock jumps ahead over a time. `'shift'`: it fires as late as the jump is long, 02:30 at 03:30. `'skip'`: it does
   * not fire on that day. @default 'shift'
   */
  gap?: 'shift' | 'skip';
  /** The clock goes back and shows a time twice: which of the two fires. @default 'first' */
  overlap?: 'first' | 'second' | 'both';
}

const CHOICES = { gap: ['shift', 'skip'], overlap: ['first', 'second', 'both'] } as const;
const NAMES = Object.keys(CHOICES);

export function resolveDst({ gap = 'shift', overlap = 'first' }: DstPolicy = {}): Required<DstPolicy> {
  return { gap, overlap };
}

/** Everything that is wrong with the policy as given, each with its path. Takes any value. */
export function dstProblems(given: unknown, path: string): string[] {
  if (given === undefined) return [];
  if (given === null || typeof given !== 'object' || Array.isArray(given))
    return [
      `${path}: ${JSON.stringify(given)} is not a policy; give { gap: 'shift' | 'skip', overlap: 'first' | 'second' | 'both' }`,
    ];
  return Object.entries(given).flatMap(([key, value]) => {
    const choices: readonly unknown[] | undefined = Object.hasOwn(CHOICES, key)
      ? CHOICES[key as keyof typeof CHOICES]
      : undefined;
    if (!choices) {
      const like = nearest(key, NAMES);
      return [`${path}.${key}: is not known${like ? `; did you mean '${like}'?` : '; there are gap and overlap'}`];
    }
    return value === undefined || choices.includes(value)
      ? []
      : [
          `${path}.${key}: ${JSON.stringify(value)} is none of ${choices.map((choice) => `'${String(choice)}'`).join(', ')}`,
        ];
  });
}
