import type { Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { Change, Registry, RegistrySession } from '../../core/registry/registry.js';

/**
 * What of a node's link to the registry is cut. `requests`: nothing arrives. `replies`: requests arrive and are carried
 * out, unheard of. `watches`: calls work, but the node is told of nothing.
 */
export type Cut = 'none' | 'requests' | 'replies' | 'watches';

/** A call on its way to the registry, and its answer on the way back. */
export type CallStep = 'request' | 'reply';

/** Which call it is. */
export type CallName =
  'connect' | 'get' | 'list' | 'commit' | 'watch' | 'openSession' | 'renew' | 'end' | 'serverTime' | 'describe';

/**
 * What becomes of a call. `twice`: the request arrives once more a while later, as when a client sends it again.
 * `lateMs`: it takes so long, be it longer than the caller waits. `crash`: the host dies right here.
 */
export type Fate = 'passes' | 'lost' | 'crash' | { lateMs: number; twiceAfterMs?: number };

/** What becomes of a change that a watch is to be told. What is lost is made good by a `resync`, so much later. */
export type WatchFate = 'passes' | { lateMs: number } | { resyncAfterMs: number };

/** What a link asks its host. */
export interface LinkState {
  readonly base: Clock;
  calls: number;
  readonly fate?: (call: number, step: CallStep, name: CallName) => Fate;
  readonly watchFate?: () => WatchFate;
  readonly cut: Cut;
  readonly staleMs: number;
  crash(): void;
  whenRunning(fn: () => void): void;
  send(fn: () => void): void;
  onHealed(resync: () => void): Disposable;
}

/** How long a caller waits for an answer that does not come. */
export const CALL_TIMEOUT_MS = 1_000;

type PastRegistry = (ageMs: number) => Pick<Registry, 'get' | 'list'>;

/** The registry as one host reaches it, over a network that may lose, delay and repeat. */
export function linkTo(registry: Registry, host: LinkState, past?: PastRegistry): Registry {
  const reader = (): Pick<Registry, 'get' | 'list'> => (host.staleMs > 0 && past ? past(host.staleMs) : registry);
  const session = ({ id, ttlMs, ...open }: RegistrySession): RegistrySession => ({
    id,
    ttlMs,
    renew: () => call(host, 'renew', () => open.renew()),
    end: () => call(host, 'end', () => open.end()),
  });
  const linked: Registry = {
    kind: registry.kind,
    capabilities: registry.capabilities,
    connect: () => call(host, 'connect', () => registry.connect()),
    close: async () => undefined, // the store is shared: closing one client must not close the others
    get: (key, options) => call(host, 'get', () => (options?.fresh ? registry : reader()).get(key, options)),
    list: (prefix, page) => call(host, 'list', () => reader().list(prefix, page)),
    commit: (writes) => call(host, 'commit', () => registry.commit(writes)),
    watch: (prefix, listener) =>
      call(
        host,
        'watch',
        () => watch(registry, host, prefix, listener),
        (watching) => watching.dispose(), // whoever asked for it has given up
      ),
    openSession: (options) => call(host, 'openSession', async () => session(await registry.openSession(options))),
    describe: () => call(host, 'describe', () => registry.describe()),
  };
  if (registry.serverTime) linked.serverTime = () => call(host, 'serverTime', () => registry.serverTime!());
  return linked;
}

/** One request and its answer. What is on its way arrives, whatever becomes of the sender meanwhile. */
function call<T>(host: LinkState, name: CallName, work: () => Promise<T>, abandoned?: (answer: T) => void): Promise<T> {
  const number = ++host.calls;
  return new Promise((resolve, reject) => {
    const tell = (fn: () => void): void =>
      host.whenRunning(() => {
        timeout?.dispose();
        fn();
      });
    let over = false;
    const noAnswer = (): void =>
      tell(() => {
        over = true;
        reject(unanswered());
      });
    const wait = (): Disposable => host.base.setTimer(CALL_TIMEOUT_MS, noAnswer);
    let timeout: Disposable | undefined;
    const pass = (step: CallStep, fn: () => void, lost?: () => void): void => {
      const blocked = host.cut === (step === 'request' ? 'requests' : 'replies');
      const fate = blocked ? 'lost' : (host.fate?.(number, step, name) ?? 'passes');
      if (fate === 'crash') host.crash();
      else if (fate === 'lost') {
        timeout ??= wait();
        lost?.();
      } else if (fate === 'passes') fn();
      else {
        timeout ??= wait();
        host.base.setTimer(fate.lateMs, fn);
        if (fate.twiceAfterMs !== undefined) host.base.setTimer(fate.lateMs + fate.twiceAfterMs, () => void again());
      }
    };
    const again = (): Promise<unknown> => work().then(abandoned, () => undefined); // nobody waits for the second answer
    host.send(() =>
      pass('request', () => {
        work().then(
          (answer) =>
            pass(
              'reply',
              () => tell(() => (over ? abandoned?.(answer) : resolve(answer))),
              () => abandoned?.(answer),
            ),
          (error: unknown) => pass('reply', () => tell(() => reject(error as Error))),
        );
      }),
    );
  });
}

const unanswered = (): Error => new RegistryUnavailableError('the registry does not answer', { outcomeUnknown: true });

/** Changes come in the order in which they happened, or are made good by a `resync`. */
async function watch(
  registry: Registry,
  host: LinkState,
  prefix: string,
  listener: (change: Change) => void,
): Promise<Disposable> {
  let disposed = false;
  let reached = 0;
  const queue: Change[] = [];
  const next = (): void => {
    const change = queue.shift()!; // the oldest, also where a thawing host does things in another order
    if (!disposed) listener(change);
  };
  const deliver = (change: Change, lateMs: number): void => {
    queue.push(change);
    const arrives = Math.max(reached, host.base.monotonic() + lateMs);
    reached = arrives;
    const hear = (): void => host.whenRunning(next);
    if (lateMs === 0 && arrives <= host.base.monotonic()) hear();
    else host.base.setTimer(arrives - host.base.monotonic(), hear);
  };
  const heard = (change: Change): void => {
    if (host.cut !== 'none') return;
    const fate = host.watchFate?.() ?? 'passes';
    if (fate === 'passes') deliver(change, 0);
    else if ('lateMs' in fate) deliver(change, fate.lateMs);
    else deliver({ type: 'resync' }, fate.resyncAfterMs);
  };
  const healed = host.onHealed(() => deliver({ type: 'resync' }, 0));
  const watching = await registry.watch(prefix, heard);
  return {
    dispose: () => {
      disposed = true;
      healed.dispose();
      watching.dispose();
    },
  };
}
