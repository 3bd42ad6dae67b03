import { describe, expect, it } from '@jest/globals';
import { type Cast, GAP_MS } from '../support/stepwise.js';
import { versionsIn } from '../support/stepwise-verdict.js';
import { playOut, TRIALS, type Outcome, type Scene } from '../support/stepwise-trials.js';

// As in `every-step.spec.ts`, for what lies between two runs: a tick that waits for a run to end, one that replaces it, and
// a run that waits for its next attempt. One fault in each play: these parts are long.

const BEFORE_MS = 150;
const AFTER_MS = 300;
const LONG_MS = GAP_MS + 2_500;

/** Which tick, and for how long after it steps count. */
interface Part {
  nth: number;
  forMs: number;
}

function scene(name: string, cast: Cast, { nth, forMs }: Part): Scene {
  return {
    ...cast,
    name: `${name}, ${cast.nodes} nodes, recovery '${cast.recovery}'`,
    async act(play, disturb, moreMs) {
      await play.until(play.tick(nth) - BEFORE_MS);
      const watching = disturb(play.owner);
      await play.cluster.advance(BEFORE_MS + forMs + AFTER_MS + moreMs);
      return watching.over();
    },
  };
}

const WAITS: Part = { nth: 2, forMs: LONG_MS - GAP_MS + 100 };
const REPLACES: Part = { nth: 2, forMs: 200 };
const FAILS: Part = { nth: 2, forMs: 2_100 };

const queue = (nodes: number, recovery: Cast['recovery']): Scene =>
  scene(
    'a tick waits',
    { nodes, recovery, runMs: 100, policies: { overlap: 'queue' }, runs: { 1: { ms: LONG_MS } } },
    WAITS,
  );

const replace = (nodes: number, recovery: Cast['recovery']): Scene => {
  const runs = { 1: { ms: LONG_MS, replaced: true } } as const;
  return scene('a tick replaces', { nodes, recovery, runMs: 100, policies: { overlap: 'replace' }, runs }, REPLACES);
};

const retry = (nodes: number, recovery: Cast['recovery']): Scene => {
  const policies = { retry: { attempts: 3, delay: '2s', backoff: 'fixed' } } as const;
  return scene('a run is tried again', { nodes, recovery, runMs: 50, policies, runs: { 2: { fails: 1 } } }, FAILS);
};

/** How the unit looks while it waits, and how many versions of it are written. */
const SCENES = [
  { ...queue(2, 'none'), versions: 4 },
  { ...queue(3, 'rerun'), versions: 4 },
  { ...replace(2, 'none'), versions: 4 },
  { ...replace(3, 'rerun'), versions: 4 },
  { ...retry(2, 'none'), versions: 4 },
  { ...retry(3, 'rerun'), versions: 4 },
];

const SINGLE = TRIALS.filter(({ name }) => !/^reply lost(, and| at)/.test(name));

describe.each(SCENES)('From one run to the next ($name)', (scene) => {
  let undisturbed: Promise<Outcome> | undefined;
  const rehearsal = (): Promise<Outcome> => (undisturbed ??= playOut(scene));

  it('the steps that count are those of what waits', async () => {
    const { play, problems, versions } = await rehearsal();
    expect({ problems, versions }).toEqual({ problems: [], versions: scene.versions });
    const waited = versionsIn(play.log).some(
      ({ state: { queued, runs } }) => queued ?? runs.some((run) => run.retry?.at),
    );
    expect(waited).toBe(true);
  });

  it.each(SINGLE)('$name', async ({ run, atLeast }) => {
    const made = await rehearsal();
    const { struck, problems } = await run(scene, made);
    expect(problems).toEqual([]);
    expect(struck).toBeGreaterThanOrEqual(atLeast(made));
  });
});
