import { startConsulLab } from '../support/consul-lab.js';
import { describeOutages } from '../support/outages.js';

describeOutages('consul', () => startConsulLab({ killable: true }));
