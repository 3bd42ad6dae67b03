import { EtcdLab } from '../support/etcd-lab.js';
import { describeOutages } from '../support/outages.js';

describeOutages('etcd', () => EtcdLab.start({ killable: true, durable: true }));
