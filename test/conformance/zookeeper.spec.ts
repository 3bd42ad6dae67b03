import { describeConformanceOf } from '../support/conformance-variants.js';
import { ZookeeperLab } from '../support/zookeeper-lab.js';

describeConformanceOf('zookeeper', () => ZookeeperLab.start());
