import type { RunOutcome } from '../common/run.js';
import { GRACE_MS } from './claim-decision.js';
import { dueAt, type LiveRun } from './live-run.js';
import { held } from './run-decisions.js';
import type { SchedulerContext } from './scheduler-context.js';

/** Why a claimed run does not start after all, and how it is recorded. */
export interface Obstacle {
  outcome: RunOutcome;
  why: string;
}

export function aborted({ abort: { reason } }: LiveRun): Obstacle | undefined {
  return reason && { outcome: 'cancelled', why: reason.message };
}

/** What is asked right before a handler starts: between the claim and that moment this process may have been frozen. */
export class StartCheck {
  constructor(private readonly context: SchedulerContext) {}

  /** May renew the session, and with it correct the clock. */
  obstacle(run: LiveRun): Obstacle | undefined | Promise<Obstacle | undefined> {
    const known = this.known(run);
    if (known || this.isTrusted(run)) return known ?? this.lateness(run);
    return this.doubt(run).then((doubt) => doubt ?? this.lateness(run));
  }

  /** Outside the trust window the registry is asked first. */
  async doubt(run: LiveRun): Promise<Obstacle | undefined> {
    if (this.isTrusted(run) || (await this.stillOurs(run))) return undefined;
    run.handOver ||= run.task.policies.recovery === 'rerun';
    return { outcome: 'lost', why: 'the session of this node was lost before the run started' };
  }

  private isTrusted({ entry }: LiveRun): boolean {
    return this.context.keeper.trustedBy(entry.session);
  }

  /** As far as this node knows without asking. */
  private known(run: LiveRun): Obstacle | undefined {
    const end = aborted(run);
    if (end) return end;
    const doc = this.context.catalog.get(run.task.name)?.doc;
    // made anew, it has ticks of its own
    const state = doc?.generation === run.unit.generation ? (doc.rename?.state ?? doc.state) : undefined;
    const { tick, trigger, again, retry } = run.entry;
    const isAskedFor = tick === undefined || again !== undefined;
    const hasBegun = retry?.at !== undefined; // and comes to its end
    if (isAskedFor || hasBegun || state === 'active' || state === 'completed') return undefined;
    run.handOver ||= trigger === 'recovery'; // it has begun once, and begins again when the task goes on
    return { outcome: 'cancelled', why: `the task is ${state ?? 'gone'}` };
  }

  /** Asked last, when the time is known to be right: the machine may have slept since the tick was claimed in time. */
  private lateness(run: LiveRun): Obstacle | undefined {
    const { entry, task, retry } = run; // another attempt has limits of its own
    if (retry || entry.tick === undefined || (entry.trigger !== 'schedule' && entry.trigger !== 'misfire'))
      return undefined;
    const late = this.context.clock.now() - dueAt(run) > task.policies.misfireDeadlineMs + GRACE_MS;
    return late ? { outcome: 'cancelled', why: 'its deadline had passed when it could start' } : undefined;
  }

  private async stillOurs({ unit, entry }: LiveRun): Promise<boolean> {
    const { keeper, units } = this.context;
    try {
      const state = await units.read(unit);
      if (!state || !held(state, entry)) return false;
      return keeper.session?.id === entry.session && (await keeper.renew());
    } catch {
      return false; // whatever keeps the registry from saying yes means no
    }
  }
}
