import { TIMED_OUT, withTimeout, type Clock } from '../common/clock.js';
import { errorMessage } from '../common/errors.js';
import { SILENT_LOGGER, type LoggerPort } from '../common/logger.js';
import { keyProblem, prefixProblem, writeProblem } from './registry-arguments.js';
import { RegistryRefusedError, RegistryUnavailableError } from './registry-errors.js';
import type { Change, Registry, RegistrySession } from './registry.js';

export interface GuardOptions {
  clock: Clock;
  /** @default none */
  logger?: LoggerPort;
  /**
   * A call that has not ended by then ends with an unknown outcome. Adapters bound each request far tighter; this is for
   * the call that would otherwise hang for ever. @default 30 s
   */
  deadlineMs?: number;
}

/**
 * The same registry with what every adapter would have to do again: arguments are checked before anything is sent, a
 * closed registry refuses, every call ends, every error is one of the registry's two, and a listener that throws is
 * logged instead of stopping the watch.
 */
export function guardRegistry(registry: Registry, options: GuardOptions): Registry {
  const { clock, logger = SILENT_LOGGER, deadlineMs = 30_000 } = options;
  let closing: Promise<void> | undefined;

  const call = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    if (closing && what !== 'close') throw new RegistryRefusedError(`${what}: this registry is closed`);
    const result = await withTimeout(clock, attempt(run), deadlineMs).catch((error: unknown) => {
      throw registryError(what, error);
    });
    if (result !== TIMED_OUT) return result;
    const message = `${what}: no answer from ${registry.kind} within ${deadlineMs} ms`;
    throw new RegistryUnavailableError(message, { outcomeUnknown: true });
  };

  const guarded: Registry = {
    kind: registry.kind,
    capabilities: registry.capabilities,
    connect: () => call('connect', () => registry.connect()),
    close: () => (closing ??= call('close', () => registry.close())),
    get: (key, how) => call('get', () => registry.get(checked(key, keyProblem(key)), how)),
    list: (prefix, page) =>
      call('list', () =>
        registry.list(checked(prefix, prefixProblem(prefix)), checked(page, limitProblem(page?.limit))),
      ),
    commit: async (writes) => {
      if (writes.length === 0) return [];
      return call('commit', () => {
        for (const write of writes) checked(write, writeProblem(write, registry.capabilities.maxValueBytes));
        return registry.commit(writes);
      });
    },
    watch: (prefix, listener) =>
      call('watch', () => registry.watch(checked(prefix, prefixProblem(prefix)), guardedListener(prefix, listener))),
    openSession: (how) =>
      call('openSession', async () => guardedSession(await registry.openSession(checked(how, ttlProblem(how.ttlMs))))),
    describe: () => call('describe', () => registry.describe()),
  };
  if (registry.serverTime) guarded.serverTime = () => call('serverTime', () => registry.serverTime!());
  return guarded;

  function guardedListener(prefix: string, listener: (change: Change) => void): (change: Change) => void {
    return (change) => {
      if (closing) return;
      try {
        listener(change);
      } catch (error) {
        logger.error('A registry listener threw; the watch goes on', { prefix, error });
      }
    };
  }

  function guardedSession(session: RegistrySession): RegistrySession {
    return {
      id: session.id,
      ttlMs: session.ttlMs,
      renew: () => call('renew', () => session.renew()),
      end: () => call('end', () => session.end()),
    };
  }
}

/** Errors thrown at once and those of the promise alike. */
async function attempt<T>(run: () => Promise<T>): Promise<T> {
  return run();
}

function registryError(what: string, error: unknown): RegistryUnavailableError | RegistryRefusedError {
  if (error instanceof RegistryUnavailableError || error instanceof RegistryRefusedError) return error;
  // An adapter should not let this through. What it did before it failed is not known.
  const message = `${what}: ${errorMessage(error)}`;
  return new RegistryUnavailableError(message, { outcomeUnknown: true, cause: error });
}

function checked<T>(value: T, problem: string | undefined): T {
  if (problem !== undefined) throw new RegistryRefusedError(`The registry cannot do this: ${problem}.`);
  return value;
}

const limitProblem = (limit: number | undefined): string | undefined =>
  limit === undefined || (Number.isSafeInteger(limit) && limit > 0) ? undefined : `a page cannot have ${limit} entries`;

const ttlProblem = (ttlMs: number): string | undefined =>
  Number.isFinite(ttlMs) && ttlMs > 0 ? undefined : `a session cannot live for ${ttlMs} ms`;
