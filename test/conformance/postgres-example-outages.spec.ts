import { describeOutages } from '../support/outages.js';
import { PostgresLab } from '../support/postgres-lab.js';

describeOutages('postgres', () => PostgresLab.start({ killable: true, durability: 'always' }));
