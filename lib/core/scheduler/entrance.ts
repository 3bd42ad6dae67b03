import { RegistryUnavailableError } from '../registry/registry-errors.js';
import type { RunAbort } from '../execution/run-abort.js';
import type { ResolvedPolicies } from '../task/policies.js';
import type { Permit, Turn } from './groups.js';
import type { SchedulerContext } from './scheduler-context.js';

/** With it goes a slot of this node. */
export interface Admission {
  /** Room in the group, where it has limits. */
  permit?: Permit;
}

/**
 * How a run gets in that waits for its turn: a slot of this node and room in the group of its task. Neither is held while
 * the other is waited for, and an outage is waited for like room.
 */
export class Entrance {
  constructor(private readonly context: Pick<SchedulerContext, 'slots' | 'groups' | 'clock'>) {}

  /** @returns `undefined` once `abort` says so */
  async enter(
    runId: string,
    { group, priority }: Pick<ResolvedPolicies, 'group' | 'priority'>,
    abort: RunAbort,
  ): Promise<Admission | undefined> {
    const { slots, groups, clock } = this.context;
    const since = clock.monotonic();
    while (await slots.take(priority, abort, since)) {
      if (!groups.has(group)) return {};
      let permit: Permit | undefined;
      try {
        permit = await this.take(group, runId, { priority, since }, abort);
        if (permit) return { permit };
      } finally {
        if (!permit) slots.give();
      }
      await this.awaitRoom(group, priority, since, abort);
    }
    return undefined;
  }

  private take(group: string, runId: string, turn: Turn, abort: RunAbort): Promise<Permit | undefined> {
    const { groups } = this.context;
    const taking = groups.take(group, runId, { turn }).catch((error: unknown) => {
      if (error instanceof RegistryUnavailableError) return undefined;
      throw error;
    });
    return new Promise((resolve, reject) => {
      let left = false;
      const listening = abort.onAbort(() => {
        left = true;
        resolve(undefined);
      });
      taking
        .then((permit) => {
          if (left && permit) void groups.give(permit, { unused: true });
          resolve(permit);
        }, reject)
        .finally(() => listening.dispose());
    });
  }

  private awaitRoom(group: string, priority: number, since: number, abort: RunAbort): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        waiting.dispose();
        listening.dispose();
        resolve();
      };
      const waiting = this.context.groups.whenFree(group, priority, end, since);
      const listening = abort.aborted ? { dispose: () => undefined } : abort.onAbort(end);
      if (abort.aborted) end();
    });
  }
}
