import { describeConformanceOf } from '../support/conformance-variants.js';
import { startConsulLab } from '../support/consul-lab.js';

describeConformanceOf('consul', () => startConsulLab());
