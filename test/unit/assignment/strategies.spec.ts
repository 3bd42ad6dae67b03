import { describeStrategy } from './strategy-suite.js';
import { STRATEGIES } from '../../../lib/core/assignment/strategy-table.js';

describeStrategy(STRATEGIES['consistent-hash'], { balance: 1.15, minimalMovement: true });
