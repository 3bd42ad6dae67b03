import { describe, expect, it } from '@jest/globals';
import type { Cast } from '../support/stepwise.js';
import { playOut, TRIALS, type Outcome, type Scene } from '../support/stepwise-trials.js';

// From just before the claim of a tick until the end of its run is recorded: whatever can befall the owner befalls it
// at every one of its steps and calls, each in a play of its own. `test/support/stepwise.ts` says what is judged.

const BEFORE_MS = 150;
const AFTER_MS = 50;
/** Not the first: by then its standby has seen the unit. */
const NTH = 2;

function claim(nodes: number, recovery: Cast['recovery'], runMs: number, nth = NTH): Scene {
  return {
    name: `${nodes} nodes, recovery '${recovery}', a run of ${runMs} ms, tick ${nth}`,
    nodes,
    recovery,
    runMs,
    async act(play, disturb, moreMs) {
      await play.until(play.tick(nth) - BEFORE_MS);
      const watching = disturb(play.owner);
      await play.cluster.advance(BEFORE_MS + runMs + AFTER_MS + moreMs);
      return watching.over();
    },
  };
}

const SCENES = [
  claim(2, 'none', 0),
  claim(2, 'rerun', 0, 1),
  claim(3, 'none', 3_000, 1),
  claim(3, 'rerun', 3_000),
  claim(2, 'rerun', 9_000), // so long that who stood still finds its run going on elsewhere when it wakes
];

describe.each(SCENES)('From the claim to the end of a run ($name)', (scene) => {
  let undisturbed: Promise<Outcome> | undefined;
  const rehearsal = (): Promise<Outcome> => (undisturbed ??= playOut(scene));

  it('the steps that count are those of the claim, the start and the record', async () => {
    const { problems, versions, steps } = await rehearsal();
    expect({ problems, versions }).toEqual({ problems: [], versions: 2 });
    expect(steps).toBeGreaterThanOrEqual(6);
  });

  it.each(TRIALS)('$name', async ({ run, atLeast }) => {
    const made = await rehearsal();
    const { struck, problems } = await run(scene, made);
    expect(problems).toEqual([]);
    expect(struck).toBeGreaterThanOrEqual(atLeast(made));
  });
});
