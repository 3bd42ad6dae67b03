import { STRATEGIES, type StrategyName } from '../../../lib/core/assignment/strategy-table.js';
import { describeStrategy, type StrategyClaims } from './strategy-suite.js';

/** What each says of itself, beyond what all must do. */
const CLAIMS: Record<StrategyName, StrategyClaims> = {
  'consistent-hash': { balance: 1.051, weightError: 0.15, movement: 1.25, standby: 0.8 },
  'hash-sharding': { balance: 1.06, weightError: 0.1 },
  'hash-slot': { balance: 1.08, weightError: 0.1 },
  range: { balance: 1.001, weightError: 0.001 },
  weighted: { balance: 1.06, weightError: 0.1, movement: 'minimal' },
  'round-robin': { balance: 1.001, weightError: 0.001, standby: 0 },
};

for (const [name, claims] of Object.entries(CLAIMS)) describeStrategy(STRATEGIES[name as StrategyName], claims);
