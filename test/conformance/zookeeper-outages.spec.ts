import { describeOutages } from '../support/outages.js';
import { ZookeeperLab } from '../support/zookeeper-lab.js';

describeOutages('zookeeper', () => ZookeeperLab.start({ killable: true, durable: true }));
