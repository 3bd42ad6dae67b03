import { DistributedScheduleError } from '../common/errors.js';
import { nearest } from '../common/nearest.js';
import type { AssignmentStrategy } from './assignment-strategy.js';
import { consistentHash } from './strategies/consistent-hash.js';

/** Every strategy by name. To add one: a file in `strategies/`, and a line here. */
export const STRATEGIES = {
  'consistent-hash': consistentHash,
} as const satisfies Record<string, AssignmentStrategy>;

export type StrategyName = keyof typeof STRATEGIES;

export const DEFAULT_STRATEGY: StrategyName = 'consistent-hash';

/**
 * The strategy of that name, or the given one.
 * @throws DistributedScheduleError `INVALID_OPTIONS` naming the known ones
 */
export function resolveStrategy(given: StrategyName | AssignmentStrategy): AssignmentStrategy {
  const problem = strategyProblem(given);
  if (problem) throw new DistributedScheduleError('INVALID_OPTIONS', problem);
  return typeof given === 'string' ? STRATEGIES[given] : given;
}

function strategyProblem(given: unknown): string | undefined {
  const names = Object.keys(STRATEGIES);
  if (typeof given === 'string') {
    if (Object.hasOwn(STRATEGIES, given)) return undefined;
    const like = nearest(given, names);
    return `assignment: ${JSON.stringify(given)} is not known${like ? `; did you mean '${like}'?` : '.'} Known are ${names.join(', ')}`;
  }
  const { name, assign, independent } = (given ?? {}) as Partial<AssignmentStrategy>;
  if (typeof name === 'string' && name !== '' && typeof assign === 'function' && typeof independent === 'boolean')
    return undefined;
  return `assignment: give one of ${names.join(', ')}, or a strategy with name, independent and assign`;
}
