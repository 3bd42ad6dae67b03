import { describe, expect, it } from '@jest/globals';
import { Play, type Cast } from '../support/stepwise.js';
import { versionsIn } from '../support/stepwise-verdict.js';
import { playOut, TRIALS, type Outcome, type Scene } from '../support/stepwise-trials.js';

// As in `every-step.spec.ts`, for whoever stands in for an owner that is gone: it may be gone itself at every step.

const STANDBY_MS = 2_000;
const SESSION_ENDS_MS = 6_000;
const AFTER_MS = 50;

/** What happens to the owner around this tick; with it whatever comes of the tick comes on another node. */
type Loss = (play: Play, tick: number) => Promise<void>;

interface Part {
  /** Which tick. */
  nth: number;
  lose: Loss;
  /** Since the tick: when steps begin to count, and for how long they do. */
  fromMs: number;
  forMs: number;
}

/** `versions`: how many it writes of the unit. `attempts`: those of the tick, on any node. */
type Standby = Scene & { nth: number; versions: number; attempts: number[] };

/** The owner dies, or stands still, just before its tick: the standby lets two seconds pass. */
function standby(what: string, cast: Cast, lose: Loss, nth: number): Standby {
  const name = `the owner ${what} before tick ${nth}, recovery '${cast.recovery}', a run of ${cast.runMs} ms`;
  const part = { nth, lose, fromMs: STANDBY_MS - 50, forMs: 50 + cast.runMs + AFTER_MS };
  return { ...scene(name, cast, part), nth, versions: 2, attempts: [1] };
}

/** The owner dies in the middle of its run; five seconds later its session ends. */
function orphan(recovery: Cast['recovery']): Standby {
  const cast = { nodes: 3, recovery, runMs: 3_000 };
  const again = recovery === 'rerun';
  const forMs = (again ? cast.runMs : 0) + AFTER_MS;
  const part = { nth: 2, lose: killInRun, fromMs: SESSION_ENDS_MS - 1, forMs };
  const expected = again ? { versions: 2, attempts: [1, 2] } : { versions: 1, attempts: [1] };
  return { ...scene(`the owner dies in its run, recovery '${recovery}'`, cast, part), nth: 2, ...expected };
}

async function killBefore(play: Play, tick: number): Promise<void> {
  await play.until(tick - 1_000);
  play.kill(play.owner);
}

async function freezeBefore(play: Play, tick: number): Promise<void> {
  await play.until(tick - 1_000);
  play.freeze(play.owner, 15_000);
}

async function killInRun(play: Play, tick: number): Promise<void> {
  await play.until(tick + 1_000);
  const { owner } = play;
  const { id } = owner.scheduler.membership.keeper.session!;
  play.kill(owner);
  play.cluster.clock.setTimer(SESSION_ENDS_MS - 1_000, () => play.cluster.store.endSession(id));
}

/** Whose steps are to count shows a play in which nothing befalls it: the same cast does the same again. */
function scene(name: string, cast: Cast, part: Part): Scene {
  let heir: Promise<string> | undefined;
  return {
    ...cast,
    name,
    mayLose: true,
    async act(play, disturb, moreMs) {
      const id = await (heir ??= heirOf(cast, part));
      const tick = play.tick(part.nth);
      await part.lose(play, tick);
      await play.until(tick + part.fromMs);
      const watching = disturb(play.node(id));
      await play.cluster.advance(part.forMs + moreMs);
      return watching.over();
    },
  };
}

/** Who writes the unit when its owner is gone. */
async function heirOf(cast: Cast, { nth, lose }: Part): Promise<string> {
  const play = await Play.begin(cast);
  const { id } = play.owner;
  const tick = play.tick(nth);
  await lose(play, tick);
  await play.cluster.advance(12_000);
  const later = versionsIn(play.log).filter(({ at }) => at > tick);
  await play.end();
  return later.find(({ process }) => process !== id)!.process!;
}

/** With a run that is still going on when the standby looks at its tick, it does nothing at the next one: see below. */
const FIRST = 1;

const SCENES = [
  standby('dies', { nodes: 3, recovery: 'none', runMs: 0 }, killBefore, 2),
  standby('dies', { nodes: 3, recovery: 'rerun', runMs: 3_000 }, killBefore, FIRST),
  standby('stands still', { nodes: 3, recovery: 'none', runMs: 3_000 }, freezeBefore, FIRST),
  standby('stands still', { nodes: 2, recovery: 'rerun', runMs: 0 }, freezeBefore, 2),
  orphan('none'),
  orphan('rerun'),
];

describe.each(SCENES)('From when a node stands in for another to the end of the run ($name)', (scene) => {
  let undisturbed: Promise<Outcome> | undefined;
  const rehearsal = (): Promise<Outcome> => (undisturbed ??= playOut(scene));

  it('the steps that count are those of the claim and of the record', async () => {
    const { play, problems, versions, steps } = await rehearsal();
    const attempts = play.startsOf(play.tick(scene.nth)).map(({ attempt }) => attempt);
    expect({ problems, versions, attempts }).toEqual({
      problems: [],
      versions: scene.versions,
      attempts: scene.attempts,
    });
    expect(steps).toBeGreaterThanOrEqual(3 * versions);
  });

  it.each(TRIALS)('$name', async ({ run, atLeast }) => {
    const made = await rehearsal();
    const { struck, problems } = await run(scene, made);
    expect(problems).toEqual([]);
    expect(struck).toBeGreaterThanOrEqual(atLeast(made));
  });
});

// A bug that is not mended yet: the standby takes a run for alive that it saw at the tick before, and does not look again.
it('a standby takes a tick two seconds late, also where the run before was still going on when it last looked', async () => {
  const play = await Play.begin({ nodes: 3, recovery: 'none', runMs: STANDBY_MS + 1_000 });
  const tick = play.tick(2);
  await killBefore(play, tick);
  await play.cluster.advance(20_000);
  expect(play.startsOf(tick).map(({ at }) => at - tick)).toEqual([STANDBY_MS]);
});
