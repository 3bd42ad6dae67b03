import { describeConformanceOf } from '../support/conformance-variants.js';
import { PostgresLab } from '../support/postgres-lab.js';

describeConformanceOf('postgres, the example of the documentation', () => PostgresLab.start());
