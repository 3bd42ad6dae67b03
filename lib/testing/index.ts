// For tests of your own: a cluster on virtual time, and the suite that proves a registry.
export { Checker, type Violation } from './checker/checker.js';
export type * from './checker/log.js';
export { witnessed } from './checker/witness.js';
export type { CheckerOptions } from './checker/world.js';
export { Host } from './cluster/host.js';
export type { CallName, CallStep, Cut, Fate, WatchFate } from './cluster/link.js';
export { seededRandom } from './seeded-random.js';
export { TestCluster, type TestClusterOptions, type TestNode } from './cluster/test-cluster.js';
export { VirtualClock } from './cluster/virtual-clock.js';
export { describeRegistryConformance } from './conformance/conformance.js';
export type { ConformanceFaults, ConformanceRunner, ConformanceSubject } from './conformance/subject.js';
