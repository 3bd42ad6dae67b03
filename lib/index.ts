// The module.
export { DistributedScheduleModule } from './nest/distributed-schedule.module.js';
export type { ForRootAsyncOptions, ForRootOptions, ModuleExtras } from './nest/distributed-schedule-core.module.js';
export type { FeatureOptions } from './nest/features/feature.module.js';
export type {
  ClusterOptions,
  DistributedScheduleOptions,
  DistributedScheduleOptionsFactory,
  GroupOptions,
  NodeOptions,
  RegistryOptions,
} from './nest/distributed-schedule.options.js';
export {
  DISTRIBUTED_SCHEDULE_CLOCK,
  DISTRIBUTED_SCHEDULE_LOGGER,
  DISTRIBUTED_SCHEDULE_OPTIONS,
  DISTRIBUTED_SCHEDULE_REGISTRY,
} from './nest/distributed-schedule.tokens.js';
export { getSchedulerHealthToken, getSchedulerRegistryToken, getSchedulerToken } from './nest/scheduler-tokens.js';

// Decorators.
export { CronExpression } from './nest/decorators/cron-expression.js';
export { DistributedCron, type DistributedCronOptions } from './nest/decorators/distributed-cron.decorator.js';
export { DistributedInterval } from './nest/decorators/distributed-interval.decorator.js';
export { DistributedTimeout } from './nest/decorators/distributed-timeout.decorator.js';
export { InjectScheduler, InjectSchedulerHealth } from './nest/decorators/inject-scheduler.decorator.js';
export { InjectTaskRun } from './nest/decorators/inject-task-run.decorator.js';
export { OnTaskError } from './nest/decorators/on-task-error.decorator.js';
export { OnNodeEvent } from './nest/decorators/on-node-event.decorator.js';
export { OnTaskEvent } from './nest/decorators/on-task-event.decorator.js';
export { TaskHandler, type PayloadHandlerDecorator } from './nest/decorators/task-handler.decorator.js';
export { UseTaskMiddleware, type TaskMiddlewareItem } from './nest/decorators/use-task-middleware.decorator.js';
export type {
  DecoratedTaskOptions,
  SchedulerChoice,
  TaskEventFilter,
  TaskHandlerOptions,
} from './nest/decorators/task-metadata.js';
export {
  fromConfig,
  fromProviders,
  type ConfigReference,
  type ProviderReference,
  type ProviderToken,
  type Reference,
} from './nest/references/reference.js';
export type { Referable, WithReferences } from './nest/references/with-references.js';

// The service.
export type { StaticTaskInput } from './core/service/declarations.js';
export { SchedulerService } from './core/service/scheduler-service.js';
export type { TaskFilter } from './core/service/task-filter.js';
export type { BackfillOptions, BackfillView } from './core/service/backfills.js';
export type { PreviewOptions } from './core/service/previews.js';
export type { RemovedTick, SchedulePreview, TickPreview } from './core/schedule/preview.js';
export type { HealthSnapshot } from './core/service/health-snapshot.js';
export type { RunHandle, RunTaskOptions } from './core/service/manual-runs.js';
export type { RunningView, TaskStatus } from './core/service/task-status.js';
export type { TaskView } from './core/service/task-view.js';
export type { SchedulerState } from './core/scheduler/scheduler-state.js';
export type { NodeRecord, NodeStatus } from './core/cluster/node-record.js';

// Health.
export {
  SchedulerHealthIndicator,
  type HealthDetails,
  type SchedulerHealthResult,
} from './nest/health/scheduler-health.indicator.js';

// Tasks and their runs.
export { currentTaskRun } from './core/execution/current-run.js';
export type { TaskMiddleware, TaskMiddlewareClass } from './core/execution/middleware.js';
export type { Handler, TaskRun } from './core/execution/task-run.js';
export { InvalidPayloadError, type PayloadOf, type PayloadSchema } from './core/execution/payload-schema.js';
export type {
  AfterRun,
  CircuitBreakerOptions,
  OverlapPolicy,
  RecoveryPolicy,
  ResolvedPolicies,
  RetryOptions,
  RunOnStart,
  TaskPolicies,
  TimeoutOptions,
} from './core/task/policies.js';
export type { TaskInput, TaskSource, TaskState } from './core/task/task-definition.js';
export type { MisfirePolicy } from './core/schedule/misfire.js';
export type {
  LocalScheduleOptions,
  ScheduleSpec,
  StoredSchedule,
  WithExceptions,
} from './core/schedule/schedule-spec.js';
export type {
  DailyTimes,
  LocalTimes,
  MonthDay,
  MonthlyTimes,
  TimeOfDay,
  Weekday,
  WeeklyTimes,
} from './core/schedule/local-times.js';
export type { DstPolicy } from './core/schedule/zone/dst.js';
export type { Shift } from './core/schedule/calendar/working-day-shift.js';
export type { Exclusion, StoredExclusion } from './core/schedule/calendar/exclusion.js';
export type { CalendarOptions, DateRange, StoredCalendar } from './core/schedule/calendar/named-calendar.js';
export type { NamedCalendarOptions } from './nest/options/calendars.js';
export type {
  HistoryRecord,
  RunError,
  RunLogLine,
  RunOutcome,
  RunProgress,
  RunRecord,
  SkipReason,
  SkipRecord,
  Trigger,
} from './core/common/run.js';
export type {
  EventName,
  EventOf,
  NodeEvent,
  RunStartedEvent,
  SchedulerEvent,
  SchedulerEvents,
  TaskEvent,
} from './core/events/scheduler-events.js';
export type { NodeEventName, TaskEventName } from './core/events/event-names.js';
export type { EpochMs } from './core/common/clock.js';
export type { Duration } from './core/common/duration.js';
export type { Json } from './core/common/json.js';

// Guards, interceptors, pipes and filters around handlers.
export { isTaskContext, taskRunOf } from './nest/execution/task-context.js';

// Errors.
export { DistributedScheduleError, NoRetryError, type ErrorCode, type ErrorDetails } from './core/common/errors.js';
export { RegistryRefusedError, RegistryUnavailableError } from './core/registry/registry-errors.js';

// To write a registry, or to use one beside the module.
export type {
  Change,
  Entry,
  Page,
  Registry,
  RegistryCapabilities,
  RegistryInfo,
  RegistrySession,
  Revision,
  Write,
  WriteResult,
} from './core/registry/registry.js';
export type { Disposable } from './core/common/disposable.js';
export type { Clock } from './core/common/clock.js';
export type { LoggerPort } from './core/common/logger.js';
export { MemoryRegistry, type MemoryRegistryOptions } from './adapters/memory/memory-registry.js';
export { MemoryStore } from './adapters/memory/memory-store.js';
export type { RedisRegistryOptions, RedisSource, RedisTuning } from './adapters/redis/redis-options.js';
export type { EtcdRegistryOptions, EtcdTls } from './adapters/etcd/etcd-options.js';
export type { ZookeeperAuth, ZookeeperRegistryOptions } from './adapters/zookeeper/zookeeper-options.js';
export type { ConsulRegistryOptions, ConsulTls } from './adapters/consul/consul-options.js';
export type { AdapterTuning } from './core/registry/adapter-options.js';

// To write an assignment strategy.
export { effectiveCandidates, type AssignmentStrategy, type Candidate } from './core/assignment/assignment-strategy.js';
export type { StrategyName } from './core/assignment/strategy-table.js';
