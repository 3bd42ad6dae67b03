import { describe, expect, it } from '@jest/globals';
import {
  afterEveryLostReply,
  atEveryCall,
  atEveryPair,
  atEveryStep,
  CALL_FAULTS,
  playOut,
  STEP_FAULTS,
  type CallFault,
  type Play,
  type Scene,
  type StepFault,
} from '../support/stepwise.js';

const before = async (play: Play) => {
  await play.until(play.tick(2) - 150);
  return play.owner;
};
const scene = (nodes: number, recovery: 'none' | 'rerun', runMs: number): Scene => ({
  nodes,
  recovery,
  runMs,
  before,
  spanMs: 150 + runMs + 50,
});
const SCENES = [scene(2, 'none', 0), scene(2, 'rerun', 0), scene(3, 'none', 3000), scene(3, 'rerun', 3000)];
const say = (t: string) => process.stderr.write(t + '\n');

describe('At every step of a claim', () => {
  for (const s of SCENES) {
    it(`${s.nodes} ${s.recovery} ${s.runMs}`, async () => {
      let t0 = performance.now();
      const lap = (what: string, n: number, problems: string[]) => {
        say(`${what}: ${n} in ${Math.round(performance.now() - t0)} ms; ${problems.length} problems ${problems.slice(0, 6).join('\n   ')}`);
        t0 = performance.now();
      };
      const dry = await playOut(s, {});
      say(`${s.nodes} ${s.recovery} ${s.runMs}: steps ${dry.steps} calls ${dry.calls} ${dry.problems}`);
      lap('dry', 1, dry.problems);
      for (const f of Object.keys(STEP_FAULTS) as StepFault[]) {
        const t = await atEveryStep(s, f);
        lap(f, t.struck, t.problems);
      }
      for (const f of Object.keys(CALL_FAULTS) as CallFault[]) {
        const t = await atEveryCall(s, f);
        lap(f, t.struck, t.problems);
      }
      const t = await atEveryPair(s, dry.calls, 'reply lost', 'reply lost');
      lap('pairs', t.struck, t.problems);
      const t2 = await afterEveryLostReply(s, dry.calls, 'crash');
      lap('crash after', t2.struck, t2.problems);
      expect(1).toBe(1);
    }, 120_000);
  }
});
