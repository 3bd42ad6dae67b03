import { describeConformanceOf } from '../support/conformance-variants.js';
import { EtcdLab } from '../support/etcd-lab.js';

describeConformanceOf('etcd', () => EtcdLab.start());
