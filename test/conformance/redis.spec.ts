import { describeConformanceOf } from '../support/conformance-variants.js';
import { RedisLab } from '../support/redis-lab.js';

describeConformanceOf('redis', () => RedisLab.start());
