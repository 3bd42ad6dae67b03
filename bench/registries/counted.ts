import type { Registry, Write } from '../../lib/core/registry/registry.js';

/** Calls of the registry's port, not requests of its adapter. */
export interface CallCounts {
  readonly commits: number;
  readonly writes: number;
  readonly gets: number;
  readonly lists: number;
  /** Renewals of the session, and asking the time. */
  readonly renewals: number;
}

/** What a node has asked of its registry until now. */
export interface Calls {
  commits: number;
  writes: number;
  gets: number;
  lists: number;
  renewals: number;
  /** When the latest of these was answered; renewals of the session are not among them. */
  lastAnswerAt: number;
}

export const NO_CALLS: CallCounts = { commits: 0, writes: 0, gets: 0, lists: 0, renewals: 0 };

/** The same registry, counted. */
export function counted(registry: Registry): { registry: Registry; calls: Calls } {
  const calls: Calls = { ...NO_CALLS, lastAnswerAt: 0 };
  const answered = <T>(answer: Promise<T>): Promise<T> =>
    answer.finally(() => (calls.lastAnswerAt = performance.now()));
  const own: Pick<Registry, 'commit' | 'get' | 'list' | 'openSession' | 'serverTime'> = {
    commit(writes: readonly Write[]) {
      calls.commits++;
      calls.writes += writes.length;
      return answered(registry.commit(writes));
    },
    get(...args) {
      calls.gets++;
      return answered(registry.get(...args));
    },
    list(...args) {
      calls.lists++;
      return answered(registry.list(...args));
    },
    async openSession(options) {
      const session = await registry.openSession(options);
      return {
        id: session.id,
        ttlMs: session.ttlMs,
        renew() {
          calls.renewals++;
          return session.renew();
        },
        end: () => session.end(),
      };
    },
  };
  if (registry.serverTime) {
    own.serverTime = () => {
      calls.renewals++;
      return registry.serverTime!();
    };
  }
  const proxy = new Proxy(registry, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { registry: proxy, calls };
}

/** What came on top. */
export function callsSince(calls: CallCounts, before: CallCounts): CallCounts {
  return {
    commits: calls.commits - before.commits,
    writes: calls.writes - before.writes,
    gets: calls.gets - before.gets,
    lists: calls.lists - before.lists,
    renewals: calls.renewals - before.renewals,
  };
}
