import type { LogEntry } from '../../lib/testing/checker/log.js';
import { isChanged, isSparse } from './tasks.js';

/** For how long after its end the others take a node for alive: the session they see. */
const SESSION_MS = 10_000;

/**
 * How the units of a node fare that was ended by `kill -9`, each by the first start elsewhere of a tick that was due
 * after the kill.
 */
export class Takeovers {
  /** Of ticks at least 30 s apart that fell due while the dead node still had its session: how late they started. */
  readonly byStandby: number[] = [];
  /** Of ticks too frequent for a standby: how long after the kill the first one started. */
  readonly byNextOwner: number[] = [];
  private readonly owned = new Map<string, readonly string[]>();
  private readonly orphans = new Map<string, { process: string; killedAt: number }>();

  /** What a process owns that is about to be killed, as it says itself. */
  expect(process: string, owned: readonly string[]): void {
    this.owned.set(process, owned);
  }

  /** Units of killed nodes that nobody has started a tick of since. */
  get waiting(): string[] {
    return [...this.orphans.keys()];
  }

  take(entry: LogEntry): void {
    if (entry.type === 'fault' && entry.what === 'kill') {
      const { process, at: killedAt } = entry;
      for (const task of this.owned.get(process!) ?? []) {
        if (!isChanged(task)) this.orphans.set(task, { process: process!, killedAt }); // that one may be meant not to go on
      }
      this.owned.delete(process!);
    }
    if (entry.type !== 'start' || entry.tick === undefined) return;
    const { task, tick, process, at } = entry;
    const orphan = this.orphans.get(task);
    if (!orphan || process === orphan.process || tick < orphan.killedAt) return;
    this.orphans.delete(task);
    if (!isSparse(task)) this.byNextOwner.push(at - orphan.killedAt);
    else if (tick < orphan.killedAt + SESSION_MS) this.byStandby.push(at - tick);
  }
}
