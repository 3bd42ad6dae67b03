import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import type { Network } from './network.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';

/** A node of the simulation, one incarnation of it. */
export interface SimNode extends TestNode {
  /** Unique among all that ever ran, also where a process comes back under its old node id. */
  readonly process: string;
  /** The deploy it belongs to: it decides which handlers and which static tasks it has. */
  readonly version: number;
  readonly network: Network;
  /** Dead by a fault. */
  killed: boolean;
  /** Told to stop. */
  stopping: boolean;
}

/** How a handler behaves, as its task's payload says. */
export interface Behaviour {
  /** How long a call takes: most of them the first, some the second. */
  shortMs: number;
  longMs: number;
  /** How often a call throws. */
  throws: number;
  /** It takes no notice of its signal. */
  deaf: boolean;
}

/** What every handler does: it takes its time, now and then it throws, and most end early when they are told to. */
export function handlerOn(host: () => TestNode['host'], random: () => number, calm: () => boolean): Handler {
  return (run: TaskRun) =>
    new Promise<void>((resolve, reject) => {
      const { shortMs, longMs, throws, deaf } = run.payload as Behaviour;
      const ms = random() * (calm() || random() < 0.7 ? shortMs : longMs);
      const fails = !calm() && random() < throws;
      const { clock } = host();
      clock.setTimer(ms, () => (fails ? reject(failure('the handler failed')) : resolve()));
      if (deaf) return;
      run.signal.addEventListener('abort', () => clock.setTimer(random() * 50, () => reject(failure('told to end'))), {
        once: true,
      });
    });
}

/** Without its stack, which differs with what ran before and would be kept in history. */
function failure(message: string): Error {
  return Object.assign(new Error(message), { stack: undefined });
}
