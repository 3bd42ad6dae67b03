import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import {
  CALL_FAULTS,
  Play,
  STEP_FAULTS,
  type CallFault,
  type Cast,
  type Disturbance,
  type Made,
  type StepFault,
  type Watching,
} from './stepwise.js';

/** Faults that may cost a node its runs; all others must cost nothing. */
function isDeadly({ calls = {}, step }: Disturbance): boolean {
  const faults = [...Object.values(calls), step?.fault ?? ''];
  return faults.some((fault) => fault.startsWith('crash') || fault.startsWith('freeze for 15 s'));
}

/** A play, but for what befalls the node in it. */
export interface Scene extends Cast {
  readonly name: string;
  /** Runs may be lost whatever befalls the node. */
  readonly mayLose?: boolean;
  /**
   * Brings the cluster to where the steps of one node count, and hands that node to `disturb`.
   * @param moreMs how much longer it takes where more than one thing befalls it
   * @returns what the node did, and what is wrong already
   */
  act(play: Play, disturb: (node: TestNode) => Watching, moreMs: number): Promise<Made & { problems?: string[] }>;
}

export interface Outcome extends Made {
  struck: number;
  problems: string[];
  play: Play;
}

/** A call that has no answer is given up after a second, and made again: a second fault finds more to befall. */
const MORE_MS = 4_000;

/** One play from beginning to end. */
export async function playOut(scene: Scene, disturbance: Disturbance = {}): Promise<Outcome> {
  const { calls = {}, step } = disturbance;
  const faults = Object.keys(calls).length + (step ? 1 : 0);
  const play = await Play.begin(scene);
  const made = await scene.act(play, (node) => play.disturb(node, disturbance), faults > 1 ? MORE_MS : 0);
  const mayLose = scene.mayLose === true || isDeadly(disturbance);
  const problems = [...(made.problems ?? []), ...(await play.end({ mayLose }))];
  const told = problems.map((text) => `${said(disturbance)}: ${text}`);
  return { ...made, struck: play.struck, play, problems: told };
}

interface Tally {
  /** How many plays saw all the faults that were meant for them. */
  struck: number;
  problems: string[];
}

/** Everything that is tried at every place, and how often it has to come about at least in a play so long. */
export const TRIALS: {
  name: string;
  atLeast: (made: Made) => number;
  run: (scene: Scene, made: Made) => Promise<Tally>;
}[] = [
  ...(Object.keys(STEP_FAULTS) as StepFault[]).map((fault) => ({
    name: `${fault}, at every step`,
    atLeast: ({ steps }: Made) => steps,
    run: (scene: Scene) => exhaust(scene, 1, (nth) => ({ step: { nth, fault } })),
  })),
  ...(Object.keys(CALL_FAULTS) as CallFault[]).map((fault) => ({
    name: `${fault}, at every call`,
    atLeast: ({ calls }: Made) => calls,
    run: (scene: Scene) => exhaust(scene, 1, (nth) => ({ calls: { [nth]: fault } })),
  })),
  ...(['reply lost', 'request lost'] as const).map((second) => ({
    name: `reply lost, and later ${second}, at every pair of calls`,
    atLeast: ({ calls }: Made) => (calls * (calls - 1)) / 2,
    run: (scene: Scene, { calls }: Made) =>
      eachCall(calls, (j) => exhaust(scene, 2, (nth) => ({ calls: { [j]: 'reply lost', [j + nth]: second } }))),
  })),
  ...(['crash', 'freeze for 15 s, longer than its session'] as const).map((fault) => ({
    name: `reply lost at every call, and ${fault} at every step after it`,
    atLeast: ({ calls }: Made) => (calls * (calls + 1)) / 2,
    run: (scene: Scene, { calls }: Made) =>
      eachCall(calls, (j) => exhaust(scene, 2, (nth) => ({ calls: { [j]: 'reply lost' }, step: { nth, fault } }))),
  })),
];

/** Play after play, each with its fault one place later, until a play is over before the fault could strike. */
async function exhaust(scene: Scene, faults: number, disturbance: (nth: number) => Disturbance): Promise<Tally> {
  const tally: Tally = { struck: 0, problems: [] };
  for (let nth = 1; ; nth++) {
    const { struck, problems } = await playOut(scene, disturbance(nth));
    tally.problems.push(...problems);
    if (struck < faults) return tally;
    tally.struck++;
  }
}

async function eachCall(calls: number, from: (first: number) => Promise<Tally>): Promise<Tally> {
  const total: Tally = { struck: 0, problems: [] };
  for (let j = 1; j <= calls; j++) {
    const { struck, problems } = await from(j);
    total.struck += struck;
    total.problems.push(...problems);
  }
  return total;
}

function said({ calls = {}, step }: Disturbance): string {
  const parts = Object.entries(calls).map(([nth, fault]) => `call ${nth} ${fault}`);
  if (step) parts.push(`${step.fault} at step ${step.nth}`);
  return parts.join(', ') || 'undisturbed';
}
