import type { Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { Change, Registry, RegistrySession } from '../../core/registry/registry.js';

/**
 * What of a node's link to the registry is cut. `requests`: nothing arrives. `replies`: requests arrive and are carried
 * out, unheard of. `watches`: calls work, but the node is told of nothing.
 */
export type Cut = 'none' | 'requests' | 'replies' | 'watches';

/** A call before it reaches the registry, and after the registry has carried it out. */
export type CallStep = 'request' | 'reply';

/** How long a call waits for an answer that does not come. */
const CALL_TIMEOUT_MS = 1_000;

/**
 * The machine a node runs on, as far as the node can tell: its clock and its link to the registry, both of which can
 * fail. A crashed host runs nothing any more; a frozen one runs nothing until it is thawed, and then all at once.
 */
export class Host {
  skewMs = 0;
  /** How many calls of the registry this host has made. */
  calls = 0;
  /** What becomes of each call: it passes, its request or reply is lost, or the host crashes right there. */
  fate?: (call: number, step: CallStep) => 'passes' | 'lost' | 'crash';
  private crashed = false;
  private thawed?: Promise<void>;
  private thaw?: () => void;
  private cut: Cut = 'none';
  private readonly watches = new Set<(change: Change) => void>();

  constructor(private readonly base: Clock) {}

  readonly clock: Clock = {
    now: () => this.base.now() + this.skewMs,
    monotonic: () => this.base.monotonic(),
    setTimer: (delayMs, fn) => this.base.setTimer(delayMs, () => this.whenRunning(fn)),
  };

  /** Nothing of this host happens any more. Its session ends when the store notices. */
  crash(): void {
    this.crashed = true;
  }

  freeze(): void {
    this.thawed ??= new Promise((resolve) => (this.thaw = resolve));
  }

  unfreeze(): void {
    this.thaw?.();
    this.thawed = undefined;
  }

  cutLink(cut: Cut): void {
    const healed = this.cut !== 'none' && cut === 'none';
    this.cut = cut;
    if (healed) for (const listener of this.watches) listener({ type: 'resync' });
  }

  /** The registry as this host reaches it. */
  link(registry: Registry): Registry {
    const linked: Registry = {
      kind: registry.kind,
      capabilities: registry.capabilities,
      connect: () => this.call(() => registry.connect()),
      close: async () => undefined, // the store is shared: closing one client must not close the others
      get: (key, options) => this.call(() => registry.get(key, options)),
      list: (prefix, page) => this.call(() => registry.list(prefix, page)),
      commit: (writes) => this.call(() => registry.commit(writes)),
      watch: (prefix, listener) => this.call(() => this.watch(registry, prefix, listener)),
      openSession: (options) => this.call(async () => this.session(await registry.openSession(options))),
      describe: () => this.call(() => registry.describe()),
    };
    if (registry.serverTime) linked.serverTime = () => this.call(() => registry.serverTime!());
    return linked;
  }

  private session(session: RegistrySession): RegistrySession {
    const { id, ttlMs } = session;
    return { id, ttlMs, renew: () => this.call(() => session.renew()), end: () => this.call(() => session.end()) };
  }

  private async watch(registry: Registry, prefix: string, listener: (change: Change) => void): Promise<Disposable> {
    const heard = (change: Change): void => {
      if (this.cut === 'none') this.whenRunning(() => listener(change));
    };
    this.watches.add(heard);
    const watch = await registry.watch(prefix, heard);
    return {
      dispose: () => {
        this.watches.delete(heard);
        watch.dispose();
      },
    };
  }

  private whenRunning(fn: () => void): void {
    if (this.crashed) return;
    if (this.thawed) void this.thawed.then(() => this.whenRunning(fn));
    else fn();
  }

  private async call<T>(work: () => Promise<T>): Promise<T> {
    const number = ++this.calls;
    await this.running();
    if (this.cut === 'requests' || this.befall(number, 'request') === 'lost') return this.noAnswer();
    await this.running();
    const answer = await work();
    if (this.cut === 'replies' || this.befall(number, 'reply') === 'lost') return this.noAnswer();
    await this.running();
    return answer;
  }

  private befall(call: number, step: CallStep): 'passes' | 'lost' {
    const fate = this.fate?.(call, step) ?? 'passes';
    if (fate === 'crash') this.crash();
    return fate === 'lost' ? 'lost' : 'passes';
  }

  private noAnswer(): Promise<never> {
    return new Promise((_, reject) => {
      this.clock.setTimer(CALL_TIMEOUT_MS, () => {
        reject(new RegistryUnavailableError('the registry does not answer', { outcomeUnknown: true }));
      });
    });
  }

  private async running(): Promise<void> {
    if (this.crashed) await new Promise<never>(() => undefined);
    while (this.thawed) await this.thawed;
    if (this.crashed) await new Promise<never>(() => undefined);
  }
}
