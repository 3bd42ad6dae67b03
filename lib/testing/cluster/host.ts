import type { Clock } from '../../core/common/clock.js';
import type { Registry } from '../../core/registry/registry.js';
import { linkTo, type CallName, type CallStep, type Cut, type Fate, type LinkState, type WatchFate } from './link.js';

/** The fate of the call it asks about: `call` counts the host's calls from 1. */
type JudgeCall = (call: number, step: CallStep, name: CallName) => Fate;

/**
 * The machine a node runs on, as far as the node can tell: its clock and its link to the registry, both of which can
 * fail. A crashed host runs nothing any more; a frozen one runs nothing until it is thawed, and then all at once.
 */
export class Host implements LinkState {
  skewMs = 0;
  /** How many calls of the registry this host has made. */
  calls = 0;
  /** How often the host was given control: a timer was due, an answer or a change came in. */
  steps = 0;
  /** Called before each step with its number: a test may crash or freeze the host right there. */
  onStep?: (step: number) => void;
  /** What becomes of each call. @default everything passes at once */
  fate?: JudgeCall;
  /** What becomes of each change that a watch is to be told. @default everything passes at once */
  watchFate?: () => WatchFate;
  /** Reads that need not be fresh show the registry as it was so long ago; needs the cluster's replica. */
  staleMs = 0;
  /** In which order what has piled up in a frozen host happens when it thaws. @default as it came */
  shuffle?: <T>(items: T[]) => T[];
  cut: Cut = 'none';
  /** Timers that are set: none is left of a node that has stopped. */
  timers = 0;
  private crashed = false;
  private frozen = false;
  private waiting: (() => void)[] = [];
  private readonly resyncs = new Set<() => void>();
  private rate = 1;
  private gainedMs = 0;
  private gainedAt = 0;

  constructor(readonly base: Clock) {}

  readonly clock: Clock = {
    now: () => this.base.now() + this.skewMs + this.gained(),
    monotonic: () => this.base.monotonic() + this.gained(),
    setTimer: (delayMs, fn) => {
      let open = true;
      const close = (): void => {
        if (open) this.timers--;
        open = false;
      };
      this.timers++;
      const timer = this.base.setTimer(delayMs / this.rate, () =>
        this.whenRunning(() => {
          if (!open) return; // disposed while the host was frozen
          close();
          fn();
        }),
      );
      return {
        dispose: () => {
          close();
          timer.dispose();
        },
      };
    },
  };

  /** Nothing of this host happens any more. Its session ends when the store notices. */
  crash(): void {
    this.crashed = true;
    this.waiting = [];
  }

  get isCrashed(): boolean {
    return this.crashed;
  }

  get isFrozen(): boolean {
    return this.frozen;
  }

  freeze(): void {
    this.frozen = true;
  }

  unfreeze(): void {
    if (!this.frozen) return;
    this.frozen = false;
    const waiting = this.waiting.splice(0);
    for (const fn of this.shuffle?.(waiting) ?? waiting) this.base.setTimer(0, () => this.whenRunning(fn));
  }

  /** Its clock, wall and monotonic alike, runs so much faster or slower from now on: 0.02 is two percent fast. */
  drift(by: number): void {
    this.gainedMs = this.gained();
    this.gainedAt = this.base.monotonic();
    this.rate = 1 + by;
  }

  cutLink(cut: Cut): void {
    const healed = this.cut !== 'none' && cut === 'none';
    this.cut = cut;
    if (healed) for (const resync of this.resyncs) resync();
  }

  /** The registry as this host reaches it. */
  link(registry: Registry, past?: (ageMs: number) => Pick<Registry, 'get' | 'list'>): Registry {
    return linkTo(registry, this, past);
  }

  /** Watches that are open: none is left of a node that has stopped. */
  get watches(): number {
    return this.resyncs.size;
  }

  /** For the link: to be told when it heals after a cut, since changes were lost. */
  onHealed(resync: () => void): { dispose(): void } {
    this.resyncs.add(resync);
    return { dispose: () => void this.resyncs.delete(resync) };
  }

  /** The host, in control already, sends something: at once, when it thaws, or never. */
  send(fn: () => void): void {
    if (this.frozen) this.waiting.push(fn);
    else if (!this.crashed) fn();
  }

  /** Lets the host do something: at once, when it thaws, or never. */
  whenRunning(fn: () => void): void {
    if (this.crashed) return;
    if (!this.frozen) this.onStep?.(++this.steps);
    if (this.frozen) this.waiting.push(fn);
    else if (!this.crashed) fn();
  }

  private gained(): number {
    return this.gainedMs + (this.base.monotonic() - this.gainedAt) * (this.rate - 1);
  }
}
