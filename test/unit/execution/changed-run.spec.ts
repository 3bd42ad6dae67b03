import { describe, expect, it } from '@jest/globals';
import { changedRun } from '../../../lib/core/execution/changed-run.js';
import type { TaskRun } from '../../../lib/core/execution/task-run.js';

describe('A run with other values', () => {
  it('has them, and works out the others no sooner than it is asked for them', () => {
    let asked = 0;
    const run = {
      id: 'r',
      attempt: 1,
      get previousTick() {
        asked++;
        return new Date(0);
      },
    } as TaskRun;
    const changed = changedRun(changedRun(run, { attempt: 2 }), { payload: 'p' });
    expect(asked).toBe(0);
    expect({ ...changed }).toEqual({ id: 'r', attempt: 2, payload: 'p', previousTick: new Date(0) });
    expect(run.attempt).toBe(1);
  });
});
