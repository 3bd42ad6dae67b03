// For tests of your own: a cluster on virtual time, and the suite that proves a registry.
export { Host, type Cut } from './cluster/host.js';
export { seededRandom } from './seeded-random.js';
export { TestCluster, type TestClusterOptions, type TestNode } from './cluster/test-cluster.js';
export { VirtualClock } from './cluster/virtual-clock.js';
export { describeRegistryConformance } from './conformance/conformance.js';
export type { ConformanceRunner, ConformanceSubject } from './conformance/subject.js';
