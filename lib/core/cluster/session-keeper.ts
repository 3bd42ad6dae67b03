import type { Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import type { Registry, RegistrySession } from '../registry/registry.js';
import { isStep } from './cluster-clock.js';

export type SessionLoss = 'expired' | 'trust-window';

/** After a renewal that failed the next one follows soon. */
const RETRY_MS = 500;

/**
 * Keeps one session alive and says how far this node may trust it.
 *
 * ```
 *   none ──open──▶ trusted ──renewed──▶ trusted
 *                     │ no renewal for ttl − margin (own monotonic clock, counted from when the
 *                     │ last successful renewal was *sent*), or the store says that it expired
 *                     ▼
 *                   lost  (onLost, once; a lost session is never used again)
 * ```
 *
 * The margin makes the node stop before the store gives its units to others.
 */
export class SessionKeeper {
  /** Round trip of the last renewal, in milliseconds. */
  latencyMs?: number;
  private current?: RegistrySession;
  private trustUntil = -Infinity;
  private wallAtMeasure = 0;
  private monotonicAtMeasure = 0;
  private renewTimer?: Disposable;
  private trustTimer?: Disposable;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly options: { ttlMs: number; heartbeatMs: number },
    private readonly hooks: {
      onLost(reason: SessionLoss): void;
      onRenewed(): void;
      /**
       * Asks the registry for its time beside each renewal. Answers whether it is known: after a step of the clock trust
       * must not come back before the time is right.
       */
      measureClock(): Promise<boolean>;
    },
  ) {}

  get session(): RegistrySession | undefined {
    return this.current;
  }

  /** Whether this node may claim and start now. */
  trusted(): boolean {
    if (!this.current || this.clock.monotonic() >= this.trustUntil) return false;
    const wall = this.clock.now() - this.wallAtMeasure;
    const monotonic = this.clock.monotonic() - this.monotonicAtMeasure;
    return !isStep(wall - monotonic);
  }

  /** … and whether by this session: what is bound to an earlier one is not this node's for certain. */
  trustedBy(session: string): boolean {
    return this.current?.id === session && this.trusted();
  }

  async open(): Promise<RegistrySession> {
    const sent = this.clock.monotonic();
    const session = await this.registry.openSession({ ttlMs: this.options.ttlMs });
    this.current = session;
    this.trustFrom(sent, session);
    this.noteClocks();
    this.renewIn(this.options.heartbeatMs);
    return session;
  }

  /** Renews now, out of turn: for when trust ran out or is in doubt. */
  async renew(): Promise<boolean> {
    const session = this.current;
    if (!session) return false;
    const sent = this.clock.monotonic();
    const [answer] = await Promise.all([session.renew(), this.measure()]);
    if (this.current !== session) return false;
    if (answer === 'expired') {
      this.lose('expired');
      return false;
    }
    this.latencyMs = this.clock.monotonic() - sent;
    this.trustFrom(sent, session);
    this.hooks.onRenewed();
    return true;
  }

  /** Ends the session in the store. Failing to reach it is no error: the session then expires by itself. */
  async end(): Promise<void> {
    const session = this.current;
    this.forget();
    await session?.end().catch(() => undefined);
  }

  private renewIn(delayMs: number): void {
    const session = this.current;
    this.renewTimer?.dispose();
    this.renewTimer = this.clock.setTimer(delayMs, () => void this.heartbeat(session));
  }

  private async heartbeat(session: RegistrySession | undefined): Promise<void> {
    let next = this.options.heartbeatMs;
    try {
      await this.renew();
    } catch {
      next = Math.min(next, RETRY_MS); // no answer: the trust timer decides how long that may last
    }
    if (session && this.current === session) this.renewIn(next);
  }

  private trustFrom(sent: number, session: RegistrySession): void {
    this.trustUntil = sent + session.ttlMs - trustMarginMs(session.ttlMs);
    this.trustTimer?.dispose();
    this.trustTimer = this.clock.setTimer(this.trustUntil - this.clock.monotonic(), () => this.lose('trust-window'));
  }

  /** Notes the clocks at the very moment of the measurement: a step while the renewal is still under way shows too. */
  private async measure(): Promise<void> {
    if (await this.hooks.measureClock()) this.noteClocks();
  }

  /** From now on a step of the wall clock shows. */
  private noteClocks(): void {
    this.wallAtMeasure = this.clock.now();
    this.monotonicAtMeasure = this.clock.monotonic();
  }

  private lose(reason: SessionLoss): void {
    if (!this.current) return;
    this.forget();
    this.hooks.onLost(reason);
  }

  private forget(): void {
    this.current = undefined;
    this.trustUntil = -Infinity;
    this.renewTimer?.dispose();
    this.trustTimer?.dispose();
  }
}

/** How long before its end a session is no longer trusted: a fifth of it, at least a second, never more than half. */
export function trustMarginMs(ttlMs: number): number {
  return Math.min(Math.max(1_000, ttlMs / 5), ttlMs / 2);
}
