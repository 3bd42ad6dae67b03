import type { AssignmentStrategy } from '../core/assignment/assignment-strategy.js';
import type { StrategyName } from '../core/assignment/strategy-table.js';
import type { Duration } from '../core/common/duration.js';
import type { Registry } from '../core/registry/registry.js';
import type { TaskPolicies } from '../core/task/policies.js';
import type { ConsulRegistryOptions } from '../adapters/consul/consul-options.js';
import type { EtcdRegistryOptions } from '../adapters/etcd/etcd-options.js';
import type { RedisRegistryOptions } from '../adapters/redis/redis-options.js';
import type { ZookeeperRegistryOptions } from '../adapters/zookeeper/zookeeper-options.js';
import type { TaskMiddlewareItem } from './decorators/use-task-middleware.decorator.js';
import type { NamedCalendarOptions } from './options/calendars.js';

/** Where the nodes of the cluster meet. `memory` is for one process; everything else needs its client package. */
export type RegistryOptions =
  | { type: 'memory' }
  | (RedisRegistryOptions & { type: 'redis' })
  | (EtcdRegistryOptions & { type: 'etcd' })
  | (ZookeeperRegistryOptions & { type: 'zookeeper' })
  | (ConsulRegistryOptions & { type: 'consul' });

/** What this process is in the cluster. */
export interface NodeOptions {
  /** Unique among the running processes. @default '<hostname>-<four random characters>' */
  id?: string;
  /** Shown to people. @default the first address of the machine that is not a loopback */
  ip?: string;
  /** Shown to people. @default the machine's name */
  hostname?: string;
  /** This node's share of the tasks, relative to the others'. 0: none, while others have a weight. @default 1 */
  weight?: number;
  /** What `nodeSelector` of a task looks at, as `{ zone: 'eu', gpu: 'yes' }`. @default {} */
  labels?: Record<string, string>;
  /** An `observer` sees and manages everything and runs nothing. @default 'worker' */
  role?: 'worker' | 'observer';
}

/** What the tasks of a group may do together. A tick that finds no room waits for it, and is a misfire when it is late then. */
export interface GroupOptions {
  /** How many of their runs may go on at once. @default no limit */
  concurrency?: number;
  /** How many of their runs may start within any stretch of `per`; attempts count. At most 1,000. @default no limit */
  rate?: { limit: number; per: Duration };
}

/** How nodes notice each other. The defaults suit most clusters; all nodes should have the same. */
export interface ClusterOptions {
  /** A node that is silent for so long is taken for dead, and its tasks go to others. @default '10s' */
  sessionTtl?: Duration;
  /** How often a node says that it lives: at most half of `sessionTtl`. @default a third of `sessionTtl` */
  heartbeatInterval?: Duration;
  /** How often a node reads everything again, in case it missed a change. @default '30s' */
  resyncInterval?: Duration;
  /** How late a tick may be before a second node takes it. `false`: no standby. @default '2s' */
  standbyDelay?: Duration | false;
  /** How long before a tick is due a node claims it, so that it starts on time. @default '100ms' */
  claimAhead?: Duration;
}

/**
 * What `DistributedScheduleModule.forRoot()` takes. Everything may be left out: then tasks run in this process alone.
 *
 * @example
 * ```ts
 * DistributedScheduleModule.forRoot({ namespace: 'shop', registry: { type: 'redis', url: 'redis://localhost:6379' } })
 * ```
 */
export interface DistributedScheduleOptions {
  /** Keeps clusters that share a registry apart: applications, tenants, environments. @default 'default' */
  namespace?: string;
  /**
   * Where the nodes meet: options, or a `Registry` of your own, which stays yours (it is never closed here).
   * @default { type: 'memory' }: one process; the log says so
   */
  registry?: RegistryOptions | Registry;
  node?: NodeOptions;
  /** Of your application; shown for each node, and what `runOnStart: 'version'` goes by. @default none */
  version?: string;
  /**
   * How tasks are shared out: the name of a strategy, or one of your own. All nodes follow the one that most of them name.
   * @default 'consistent-hash'
   */
  assignment?: StrategyName | AssignmentStrategy;
  /** The zone of schedules that name none; an IANA name. Never the machine's. @default 'UTC' */
  timeZone?: string;
  /**
   * Calendars by name, for `except: { calendar: 'de' }` of any schedule: weekends, holidays, make-up working days, or
   * iCalendar text. A task keeps the days as they were when it was written; a node that starts with other ones gives
   * them to the tasks that name the calendar. @default none
   *
   * @example { de: { weekend: ['sat', 'sun'], holidays: ['12-25', '12-26', '2030-04-22'] } }
   */
  calendars?: Record<string, NamedCalendarOptions>;
  /** How many runs this node does at the same time. @default 10 */
  concurrency?: number;
  /**
   * Limits that tasks share in the whole cluster: those with `group: 'mail'`. A name that ends in `*` stands for all groups
   * that begin so, each with limits of its own. Equal on all nodes. @default none
   *
   * @example { mail: { concurrency: 5, rate: { limit: 100, per: '1m' } }, 'tenant:*': { concurrency: 2 } }
   */
  groups?: Record<string, GroupOptions>;
  /** Policies of every task that does not set them itself. @default none */
  defaults?: Omit<TaskPolicies, 'description' | 'tags' | 'startAt' | 'endAt'>;
  /**
   * Around each attempt of every handler, the first outermost: functions, instances, or classes that any module provides.
   * @default none
   *
   * @example [(run, next) => cls.run(next), Audit]
   */
  middleware?: TaskMiddlewareItem[];
  /**
   * Whether Nest's guards, interceptors, pipes and filters, global ones included, stand around the handlers of decorated
   * methods. They meet the context type `'task'`; see {@link isTaskContext}. @default false, since a guard written for HTTP
   * would refuse every run
   */
  enhancers?: boolean;
  /**
   * Whether every event goes to the `EventEmitter2` of `@nestjs/event-emitter` as well, as `schedule.<type>`, with the event
   * as its argument: `@OnEvent('schedule.run.failed')`. @default false
   */
  eventEmitter?: boolean;
  /**
   * Whether each attempt is a span of OpenTelemetry, `task <name>`, active while the handler runs. Needs the package
   * `@opentelemetry/api`, and an SDK that the application starts. @default false
   */
  tracing?: boolean;
  cluster?: ClusterOptions;
  shutdown?: {
    /** How long runs may go on when the application closes, before their signals abort. @default '30s' */
    drainTimeout?: Duration;
  };
  /**
   * What to do when the registry cannot be reached at start. `'wait'`: try for ten seconds, then the application does
   * not start. `'background'`: it starts, runs nothing, and joins the cluster as soon as it can. @default 'wait'
   */
  startup?: 'wait' | 'background';
  history?: {
    /** How many records are kept of each task, and of each node. @default 20 */
    keepRuns?: number;
  };
  /** What becomes of tasks declared in code once no node has that code any more. */
  orphans?: {
    /**
     * How long after that they are purged, with their history; `false`: never. Nothing is purged while a node has the
     * code, or while no worker is there at all. @default '7d'
     */
    pruneAfter?: Duration | false;
  };
  /** Whether the node joins the cluster when the application has started; else call `SchedulerService.start()`. @default true */
  autoStart?: boolean;
}

/** What a class given as `useClass` or `useExisting` to `forRootAsync` implements. */
export interface DistributedScheduleOptionsFactory {
  createDistributedScheduleOptions(): Promise<DistributedScheduleOptions> | DistributedScheduleOptions;
}
