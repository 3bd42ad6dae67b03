import { describe, expect, it } from '@jest/globals';
import { decodeTask, type TaskState } from '../../lib/core/task/task-definition.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { TASK, type Made, type Play } from '../support/stepwise.js';
import { versionsIn } from '../support/stepwise-verdict.js';
import { playOut, TRIALS, type Outcome, type Scene } from '../support/stepwise-trials.js';

// A task is halted shortly before a tick, and whatever can befall the node that is asked for it befalls it at every
// step and call until it answers. Either it has answered, and then nothing of the task is claimed any more, by whoever
// has not heard of it; or it has not, and the task is as it was or as it should be, the same on every node.

const NTH = 2;
/** So that the answer comes before the tick also where one call has to be made again. */
const AHEAD_MS = 3_000;
/** After it every node has read the tasks anew. */
const RESYNC_MS = 31_000;

type Halt = 'pauseTask' | 'deleteTask';

interface AdminScene extends Scene {
  /** How the change was answered in the last play. */
  answer?: string | undefined;
}

function halting(what: Halt, by: 'the owner' | 'another node', { blind = false } = {}): AdminScene {
  const self: AdminScene = {
    name: `${what} asked of ${by}${blind ? ', the owner hears of no change' : ''}`,
    nodes: 3,
    recovery: 'rerun',
    runMs: 0,
    async act(play, disturb) {
      await play.until(play.tick(NTH) - AHEAD_MS);
      const { owner } = play;
      const admin = by === 'the owner' ? owner : play.cluster.nodes.find((node) => node !== owner)!;
      if (blind) owner.host.cutLink('watches');
      const from = play.now;
      const watching = disturb(admin);
      const answer = await play.ask(what, admin, ({ service }) => service[what](TASK));
      const made = watching.over();
      self.answer = answer?.how;
      await play.until(Math.max(play.tick(NTH), play.now) + RESYNC_MS);
      const problems = answer?.how === 'done' ? claimsAfter(play, answer.at) : [];
      owner.host.cutLink('none');
      await play.cluster.advance(1_000);
      return { ...made, problems: [...problems, ...(await goOn(play, from))] };
    },
  };
  return self;
}

/** Claims that were granted after this. */
function claimsAfter(play: Play, since: number): string[] {
  return versionsIn(play.log)
    .filter(({ at, state }) => at > since && state.runs.length > 0)
    .map(({ at, process }) => `${process} was granted a claim ${at - since} ms after the halt was acknowledged`);
}

/** The task goes on, if it was halted: acknowledged or not, every node has to agree. */
async function goOn(play: Play, from: number): Promise<string[]> {
  const states = new Set(play.cluster.nodes.map(({ service }) => service.listTasks({ state: ALL })[0]?.state));
  const state = stateOf(play);
  if (states.size !== 1 || !states.has(state))
    return [`nodes see the task as ${[...states].join(', ')}, it is ${state}`];
  if (state === 'active') return [];
  const undo = state === 'deleted' ? 'restoreTask' : 'resumeTask';
  const answer = await play.ask(undo, working(play), ({ service }) => service[undo](TASK));
  if (answer?.how !== 'done') return [`${undo} was answered with ${answer?.how}`];
  play.halts.push({ from, to: answer.at });
  return [];
}

const ALL: TaskState[] = ['active', 'paused', 'deleted'];

function stateOf({ cluster }: Play): TaskState | undefined {
  const entry = cluster.store.get(`test/tasks/${TASK}`);
  return entry && decodeTask(entry.value)?.state;
}

function working({ cluster }: Play): TestNode {
  return cluster.nodes.find(({ service }) => service.state === 'working')!;
}

const SCENES = [
  halting('pauseTask', 'the owner'),
  halting('pauseTask', 'another node', { blind: true }),
  halting('deleteTask', 'the owner'),
  halting('deleteTask', 'another node', { blind: true }),
];

describe.each(SCENES)('While a task is halted ($name)', (scene) => {
  let undisturbed: Promise<Outcome> | undefined;
  const rehearsal = (): Promise<Outcome> => (undisturbed ??= playOut(scene));

  it('the steps that count are those of the change, up to its answer', async () => {
    const { problems, versions, steps, calls } = await rehearsal();
    expect({ problems, versions, answer: scene.answer }).toEqual({ problems: [], versions: 1, answer: 'done' });
    expect({ steps: steps >= 6, calls: calls >= 3 }).toEqual({ steps: true, calls: true });
  });

  it.each(TRIALS)('$name', async ({ run, atLeast }) => {
    const made: Made = await rehearsal();
    const { struck, problems } = await run(scene, made);
    expect(problems).toEqual([]);
    expect(struck).toBeGreaterThanOrEqual(atLeast(made));
  });

  it.each(['request lost', 'reply lost', 'request sent twice'] as const)(
    'the halt is acknowledged in the end: %s, at every call',
    async (fault) => {
      const { calls } = await rehearsal();
      const answers: (string | undefined)[] = [];
      for (let nth = 1; nth <= calls; nth++) {
        await playOut(scene, { calls: { [nth]: fault } });
        answers.push(scene.answer);
      }
      expect(answers).toEqual(answers.map(() => 'done'));
    },
  );
});
