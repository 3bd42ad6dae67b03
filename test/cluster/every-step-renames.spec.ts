import { describe, expect, it } from '@jest/globals';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { Renaming } from '../support/renaming.js';

// A task is being renamed, and whatever can befall the node that does it befalls it at every step and at every call of the
// registry. Another node, of the one version or of the other, has to bring it to an end: no tick runs twice or is left out,
// nothing is left under the name that it does not have in the end.

type Fault = 'crash' | 'freeze for 5 s' | 'freeze for 25 s' | 'request lost' | 'reply lost' | 'crash after the call';

/** Who is there besides the node that is disturbed, and comes up after it. */
interface Cast {
  name: string;
  /** A node of the older version comes up in the middle of it. */
  rollBack: boolean;
  /** The name that the task has in the end. */
  ends: 'old' | 'new';
}

const CASTS: Cast[] = [
  { name: 'another node of the newer version is there', rollBack: false, ends: 'new' },
  { name: 'the older version comes up again', rollBack: true, ends: 'old' },
];

const FORMER = { aliases: ['old'] };
const AT_STEPS: Fault[] = ['crash', 'freeze for 5 s', 'freeze for 25 s'];
const AT_CALLS: Fault[] = ['request lost', 'reply lost', 'crash after the call'];

/** Lets one thing befall the node, at its nth step or call from now on. @returns whether it has come to that */
function disturb(story: Renaming, node: TestNode, fault: Fault, nth: number): () => boolean {
  const { host } = node;
  let struck = false;
  const [steps, calls] = [host.steps, host.calls];
  if (AT_STEPS.includes(fault))
    host.onStep = (step) => {
      if (struck || step - steps !== nth) return;
      struck = true;
      if (fault === 'crash') return story.cluster.crash(node);
      host.freeze();
      story.cluster.clock.setTimer(fault === 'freeze for 5 s' ? 5_000 : 25_000, () => host.unfreeze());
    };
  else
    host.fate = (call, step) => {
      const at = fault === 'request lost' ? 'request' : 'reply';
      if (struck || call - calls !== nth || step !== at) return 'passes';
      struck = true;
      if (fault !== 'crash after the call') return 'lost';
      story.cluster.crash(node);
      return 'crash';
    };
  return () => struck;
}

async function play(
  { rollBack, ends }: Cast,
  fault: Fault,
  nth: number,
): Promise<{ struck: boolean; problems: string[] }> {
  const story = await Renaming.begin();
  const begin = story.now;
  const v1 = await story.deploy('v1', 'old', {}, 0);
  const node = await story.deploy('v2-a', 'new', FORMER);
  const other = rollBack ? undefined : await story.deploy('v2-b', 'new', FORMER);
  await story.cluster.advance('25s');
  await story.leave(v1);
  const struck = disturb(story, node, fault, nth);
  // it is moved at the next resync of one of the nodes
  await story.cluster.advance(rollBack ? '20s' : '40s');
  const left = rollBack ? [await story.deploy('v1-again', 'old')] : [other!];
  await story.cluster.advance('90s');
  node.host.onStep = undefined;
  node.host.fate = undefined;
  const problems = story.problems(begin);
  const gone = ends === 'old' ? 'new' : 'old';
  const alive = [...left, ...(node.host.isCrashed ? [] : [node])];
  for (const { id, service } of alive) {
    const names = service.listTasks().map(({ name }) => name);
    if (names.join() !== ends) problems.push(`${id} lists ${names.join()}`);
  }
  if (story.keysOf(gone).length > 0) problems.push(`left: ${story.keysOf(gone).join()}`);
  const ran = new Set(story.calls.map(({ runId }) => runId)).size;
  const kept = story.keysOf(ends).filter((key) => key.includes('history/')).length;
  // one that was on its way when it was moved may be lost
  if (kept < ran - 1) problems.push(`history has ${kept} of ${ran} runs`);
  const step = story.document(gone)?.rename?.step;
  if (step !== undefined && step !== 'done') problems.push(`the rename is ${step}`);
  if (story.calls.at(-1)?.task !== ends) problems.push(`it runs as ${story.calls.at(-1)?.task}`);
  await story.cluster.stop();
  return { struck: struck(), problems: problems.map((problem) => `${fault} at ${nth}: ${problem}`) };
}

describe.each(CASTS)('A rename, where $name', (cast) => {
  it.each([...AT_STEPS, ...AT_CALLS])(
    '%s, everywhere',
    async (fault) => {
      const problems: string[] = [];
      let nth = 0;
      for (let struck = true; struck;) {
        const outcome = await play(cast, fault, ++nth);
        problems.push(...outcome.problems);
        struck = outcome.struck;
      }
      expect(problems).toEqual([]);
      expect(nth).toBeGreaterThan(AT_STEPS.includes(fault) ? 30 : 20);
    },
    120_000,
  );
});
