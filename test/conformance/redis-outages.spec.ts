import { describeOutages } from '../support/outages.js';
import { RedisLab } from '../support/redis-lab.js';

describeOutages('redis', () => RedisLab.start({ killable: true, durability: 'always' }));
