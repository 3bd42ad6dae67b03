/** The options as the application gave them. */
export const DISTRIBUTED_SCHEDULE_OPTIONS = Symbol('DISTRIBUTED_SCHEDULE_OPTIONS');

/** The same, checked: what every other provider is made from. */
export const DISTRIBUTED_SCHEDULE_SETTINGS = Symbol('DISTRIBUTED_SCHEDULE_SETTINGS');

/** The `Registry`. A test may override it, for instance with one `MemoryRegistry` per node on a shared store. */
export const DISTRIBUTED_SCHEDULE_REGISTRY = Symbol('DISTRIBUTED_SCHEDULE_REGISTRY');

/** The `Clock`: the machine's, unless a test overrides it. */
export const DISTRIBUTED_SCHEDULE_CLOCK = Symbol('DISTRIBUTED_SCHEDULE_CLOCK');

/** The `LoggerPort`: Nest's `Logger`, under the context `DistributedSchedule`. */
export const DISTRIBUTED_SCHEDULE_LOGGER = Symbol('DISTRIBUTED_SCHEDULE_LOGGER');
