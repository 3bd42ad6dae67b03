import type { ClusterClock } from '../cluster/cluster-clock.js';
import type { SessionKeeper } from '../cluster/session-keeper.js';
import type { LoggerPort } from '../common/logger.js';
import type { RunIds } from '../common/ids.js';
import type { EventHub } from '../events/event-hub.js';
import type { RunAbort } from '../execution/run-abort.js';
import type { Slots } from '../execution/slots.js';
import type { ProgressBoard } from '../history/progress-board.js';
import type { Recorder } from '../history/recorder.js';
import type { Registry } from '../registry/registry.js';
import type { Catalog } from '../task/catalog.js';
import type { Groups } from './groups.js';
import type { Timeline } from './timeline.js';
import type { UnitStore } from './unit-store.js';

/** What the parts of one node's scheduler share. */
export interface SchedulerContext {
  readonly node: { readonly id: string; readonly boot: string };
  readonly registry: Registry;
  readonly clock: ClusterClock;
  readonly timeline: Timeline;
  readonly keeper: SessionKeeper;
  readonly catalog: Catalog;
  readonly units: UnitStore;
  /** Aborted when this node begins to leave the cluster: from then on nothing begins to wait for its turn here. */
  readonly closing: RunAbort;
  readonly slots: Slots;
  readonly groups: Groups;
  readonly recorder: Recorder;
  readonly progress: ProgressBoard;
  readonly events: EventHub;
  readonly runIds: RunIds;
  readonly logger: LoggerPort;
}
