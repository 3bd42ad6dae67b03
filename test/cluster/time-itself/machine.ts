import type { EpochMs } from '../../../lib/core/common/clock.js';
import type { Disposable } from '../../../lib/core/common/disposable.js';
import type { TestNode } from '../../../lib/testing/cluster/test-cluster.js';

interface Waiting {
  /** In the machine's monotonic time. */
  due: number;
  fn: () => void;
  timer?: Disposable;
}

/** Node keeps timer delays in 31 bits and turns longer ones into 1 ms. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** Timers within one instant, and alarms within a second: more are a loop of which no test would come back. */
const MOST_AT_ONCE = 20_000;
const MOST_IN_A_SECOND = 900;

/**
 * What a node's clock does to it, beyond what a `Host` can: it is a machine that sleeps, with a monotonic clock that goes
 * on meanwhile or stands, its wall clock may follow any curve, and a timer set for more than 2^31 ms is over at once. It
 * counts the timers that are set.
 */
export class Machine {
  /** Timers set by anything of the node. */
  timers = 0;
  /** Timers behind which the node's appointments wait. */
  alarms = 0;
  longestAlarmMs = 0;
  /** How many of them were set in the busiest second of true time. */
  mostAlarms = 0;
  /** What its wall clock shows beside true time, at a moment of true time; steps of the host come on top. */
  curve: (trueNow: EpochMs) => number = () => 0;
  /** The first moment at which timers were set without end; from then on none is. */
  spunAt?: EpochMs;
  private readonly waiting = new Set<Waiting>();
  private readonly set: (delayMs: number, fn: () => void) => Disposable;
  private sleptMs = 0;
  private asleepSince?: number;
  private instant = { at: -1, timers: 0 };
  private second = { at: -1, alarms: 0 };

  /** Takes the place of the node's clock. To be called before the node starts. */
  constructor(private readonly node: TestNode) {
    const { clock, base } = node.host;
    const [now, monotonic] = [clock.now.bind(clock), clock.monotonic.bind(clock)];
    this.set = clock.setTimer.bind(clock);
    clock.now = () => Math.floor(now() + this.curve(base.now()));
    clock.monotonic = () => monotonic() - this.sleptMs;
    clock.setTimer = (delayMs, fn) => this.setTimer(delayMs, fn);
    const ofAppointments = node.scheduler.context.clock;
    ofAppointments.setTimer = (delayMs, fn) => {
      if (delayMs > 0) this.countAlarm();
      this.longestAlarmMs = Math.max(this.longestAlarmMs, delayMs);
      return clock.setTimer(delayMs, fn);
    };
  }

  /** What its wall clock shows. */
  now(): EpochMs {
    return this.node.host.clock.now();
  }

  step(byMs: number): void {
    this.node.host.skewMs += byMs;
  }

  /** The lid is closed. `stands`: its monotonic clock does not count the time, and timers wait so much longer. */
  sleep(monotonic: 'counts' | 'stands'): void {
    const { host } = this.node;
    host.freeze();
    if (monotonic === 'counts') return;
    this.asleepSince = host.base.monotonic();
    for (const { timer } of this.waiting) timer?.dispose();
  }

  wake(): void {
    const { host } = this.node;
    if (this.asleepSince !== undefined) {
      this.sleptMs += host.base.monotonic() - this.asleepSince;
      delete this.asleepSince;
      for (const waiting of this.waiting) this.arm(waiting);
    }
    host.unfreeze();
  }

  private setTimer(delayMs: number, fn: () => void): Disposable {
    this.countTimer();
    const { clock } = this.node.host;
    const waiting: Waiting = { due: clock.monotonic() + (delayMs > LONGEST_DELAY_MS ? 1 : delayMs), fn };
    this.waiting.add(waiting);
    if (this.spunAt === undefined) this.arm(waiting);
    return {
      dispose: () => {
        this.waiting.delete(waiting);
        waiting.timer?.dispose();
      },
    };
  }

  private arm(waiting: Waiting): void {
    waiting.timer = this.set(Math.max(0, waiting.due - this.node.host.clock.monotonic()), () => {
      this.waiting.delete(waiting);
      waiting.fn();
    });
  }

  private countAlarm(): void {
    this.alarms++;
    const at = Math.floor(this.node.host.base.monotonic() / 1_000);
    this.second = { at, alarms: this.second.at === at ? this.second.alarms + 1 : 1 };
    this.mostAlarms = Math.max(this.mostAlarms, this.second.alarms);
    if (this.second.alarms > MOST_IN_A_SECOND) this.spunAt ??= this.node.host.base.now();
  }

  private countTimer(): void {
    this.timers++;
    const at = this.node.host.base.monotonic();
    this.instant = { at, timers: this.instant.at === at ? this.instant.timers + 1 : 1 };
    if (this.instant.timers > MOST_AT_ONCE) this.spunAt ??= this.node.host.base.now();
  }
}
