import { DistributedScheduleError } from '../common/errors.js';
import { nearest } from '../common/nearest.js';
import type { AssignmentStrategy } from './assignment-strategy.js';
import { consistentHash } from './strategies/consistent-hash.js';
import { hashSharding } from './strategies/hash-sharding.js';
import { hashSlot } from './strategies/hash-slot.js';
import { range } from './strategies/range.js';
import { roundRobin } from './strategies/round-robin.js';
import { weighted } from './strategies/weighted.js';

/** Every strategy by name. To add one: a file in `strategies/`, and a line here. */
export const STRATEGIES = {
  'consistent-hash': consistentHash,
  'hash-sharding': hashSharding,
  'hash-slot': hashSlot,
  range,
  weighted,
  'round-robin': roundRobin,
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

function isOfLibrary(name: string): name is StrategyName {
  return Object.hasOwn(STRATEGIES, name);
}

function strategyProblem(given: unknown): string | undefined {
  const names = Object.keys(STRATEGIES);
  if (typeof given === 'string') {
    if (isOfLibrary(given)) return undefined;
    const like = nearest(given, names);
    return `assignment: ${JSON.stringify(given)} is not known${like ? `; did you mean '${like}'?` : '.'} Known are ${names.join(', ')}`;
  }
  const { name, assign, independent } = (given ?? {}) as Partial<AssignmentStrategy>;
  if (typeof name === 'string' && isOfLibrary(name) && STRATEGIES[name] !== given)
    return `assignment: "${name}" is the name of a strategy of the library; give yours another one`;
  if (typeof name === 'string' && name !== '' && typeof assign === 'function' && typeof independent === 'boolean')
    return undefined;
  return `assignment: give one of ${names.join(', ')}, or a strategy with name, independent and assign`;
}
