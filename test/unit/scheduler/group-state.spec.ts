import { describe, expect, it } from '@jest/globals';
import {
  EMPTY_GROUP,
  giveRoom,
  type GroupHolder,
  type GroupState,
  keepRoom,
  roomIn,
  takeRoom,
} from '../../../lib/core/scheduler/group-state.js';
import type { GroupLimits } from '../../../lib/core/task/group-limits.js';

const RATE: GroupLimits = { rate: { limit: 2, perMs: 1_000 } };

function holder(id: string, more: Partial<GroupHolder> = {}): GroupHolder {
  return { id, run: `run ${id}`, node: 'n', boot: 'b', session: 's1', ...more };
}

/** The group after these have taken room in it, each a millisecond after the other. */
function takenBy(holders: readonly GroupHolder[], limits: GroupLimits = {}): GroupState {
  let state = EMPTY_GROUP;
  holders.forEach((one, at) => (state = takeRoom(state, limits, one, at, { isDead: () => false }).next!));
  return state;
}

const nobodyIsDead = { isDead: () => false };

describe('Room in a group', () => {
  it('is as much as its concurrency and its rate leave', () => {
    expect(roomIn(takenBy([holder('1')]), { concurrency: 3 }, 0)).toEqual({ room: 2 });
    expect(roomIn(takenBy([holder('1')], RATE), { concurrency: 3, ...RATE }, 500)).toEqual({ room: 1 });
    expect(roomIn(takenBy([holder('1'), holder('2')]), { concurrency: 2 }, 0)).toEqual({ room: 0 });
  });

  it('comes again, for the sake of the rate, when the first of the starts is that long ago', () => {
    const state = takenBy([holder('1'), holder('2')], RATE);
    expect(roomIn(state, RATE, 500)).toEqual({ room: 0, at: 1_000 });
    expect(roomIn(state, RATE, 1_000)).toEqual({ room: 1 });
    expect(roomIn(state, RATE, -2_000)).toEqual({ room: 2 }); // a clock that was ahead has noted them
  });

  it('is taken for a start that is to come, and counts from then on', () => {
    const ahead = { ...nobodyIsDead, startsAt: 1_050 };
    const before = takenBy([holder('1'), holder('2')], RATE);
    expect(takeRoom(before, RATE, holder('3'), 950, nobodyIsDead).outcome).toBe(false);
    const { next } = takeRoom(before, RATE, holder('3'), 950, ahead);
    expect(next!.starts).toEqual([0, 1, 1_050]);
    const soon = takeRoom(next!, RATE, holder('4'), 1_040, nobodyIsDead).next!;
    expect(soon.starts).toEqual([1_040, 1_050]);
    expect(roomIn(soon, RATE, 2_039)).toEqual({ room: 0, at: 2_040 });
    expect(giveRoom(soon, RATE, '3', 1_040, { unused: true }).next!.starts).toEqual([1_040]);
  });

  it('is taken once, however often that is asked for', () => {
    const state = takenBy([holder('1')], { concurrency: 1, ...RATE });
    expect(takeRoom(state, { concurrency: 1 }, holder('1'), 5, nobodyIsDead)).toEqual({ outcome: true });
    expect(takeRoom(state, { concurrency: 1 }, holder('2'), 5, nobodyIsDead)).toEqual({ outcome: false });
  });

  it('that the dead hold is free', () => {
    const { outcome, next } = takeRoom(takenBy([holder('1')]), { concurrency: 1 }, holder('2'), 5, {
      isDead: ({ id }) => id === '1',
    });
    expect([outcome, next!.holders.map(({ id }) => id)]).toEqual([true, ['2']]);
  });

  it('goes with a run to wherever it goes on, and the former room of it gives nothing back', () => {
    const first = takenBy([holder('1', { run: 'r' })], { concurrency: 1 });
    const anew = holder('2', { run: 'r', node: 'other', boot: 'other' });
    const { next } = takeRoom(first, { concurrency: 1 }, anew, 5, { ...nobodyIsDead, force: true });
    expect(next!.holders).toMatchObject([{ id: '2', node: 'other' }]);
    expect(giveRoom(next!, {}, '1', 5, { unused: true })).toEqual({ outcome: undefined });
    expect(giveRoom(next!, {}, '2', 5, { unused: false }).next!.holders).toEqual([]);
  });

  it('that was not used is no start', () => {
    const state = takenBy([holder('1'), holder('2')], RATE);
    expect(giveRoom(state, RATE, '1', 5, { unused: true }).next!.starts).toEqual([1]);
    expect(giveRoom(state, RATE, '1', 5, { unused: false }).next!.starts).toEqual([0, 1]);
    expect(giveRoom(state, RATE, '1', 1_000, { unused: false }).next!.starts).toEqual([1]);
  });

  it('is bound to a new session without a start, also where others have found it dead meanwhile', () => {
    const state = takenBy([holder('1')], RATE);
    const bound = holder('1', { session: 's2' });
    expect(keepRoom(state, bound, 9).next).toEqual({ holders: [{ ...bound, at: 0 }], starts: [0] });
    expect(keepRoom({ ...state, holders: [] }, bound, 9).next).toEqual({ holders: [{ ...bound, at: 9 }], starts: [0] });
    expect(keepRoom(state, holder('1'), 9)).toEqual({ outcome: undefined });
  });
});
