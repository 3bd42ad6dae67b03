import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { Renaming } from '../support/renaming.js';

const FORMER = { aliases: ['old'] };

describe('A task that is renamed', () => {
  let story: Renaming;
  let begin: number;
  beforeEach(async () => {
    story = await Renaming.begin();
    begin = story.now;
  });
  afterEach(() => story.cluster.stop());

  const names = ({ service }: TestNode): string[] => service.listTasks().map(({ name }) => name);
  const advance = (by: `${number}${'s' | 'm'}`): Promise<void> => story.cluster.advance(by);

  it('goes on under its former name while a node knows only that, on every node, then under the new one', async () => {
    const first = await story.deploy('v1-a', 'old');
    const second = await story.deploy('v1-b', 'old');
    await advance('2m');
    const a = await story.deploy('v2-a', 'new', FORMER);
    await story.leave(first);
    await advance('5m');
    expect(names(a)).toEqual(['old']);
    const b = await story.deploy('v2-b', 'new', FORMER);
    await advance('1m');
    expect(story.names()).toEqual(['old']);
    await story.leave(second);
    const left = story.calls.length;
    await advance('2m');
    expect([names(a), names(b)]).toEqual([['new'], ['new']]);
    expect(story.names()).toEqual(['old', 'new']);
    expect(story.calls.slice(left).some(({ task }) => task === 'old')).toBe(true); // on a node of the new version
    expect(story.problems(begin)).toEqual([]);
    expect(story.keysOf('old')).toEqual([]);
    expect(story.document('old')).toMatchObject({ state: 'renamed', rename: { to: 'new', step: 'done' } });
  });

  it('runs under its former name on the newer nodes too', async () => {
    const v1 = await story.deploy('v1', 'old', {}, 0); // whatever has a weight comes first
    await advance('1m');
    await story.deploy('v2', 'new', FORMER);
    await advance('2m');
    expect(story.calls.map(({ node }) => node).filter((node, index, all) => node !== all[index - 1])).toEqual([
      'v1',
      'v2',
    ]);
    expect(story.names()).toEqual(['old']);
    expect(names(v1)).toEqual(['old']);
    expect(story.problems(begin)).toEqual([]);
  });

  it('keeps its cursor, counters and history', async () => {
    const v1 = await story.deploy('v1', 'old');
    await advance('1m');
    const before = await story.records(v1, 'old');
    expect(before.length).toBeGreaterThan(4);
    await story.leave(v1);
    const v2 = await story.deploy('v2', 'new', FORMER);
    await advance('30s');
    const after = await story.records(v2, 'new');
    expect(after.slice(-before.length)).toEqual(before);
    expect(new Set(after.slice(0, -before.length).map(({ task }) => task))).toEqual(new Set(['new']));
    const { units, catalog } = v2.scheduler.context;
    const state = units.peek(catalog.get('new')!.units[0]!)!;
    expect(state.counters).toMatchObject({ claimed: story.calls.length, succeeded: story.calls.length });
    expect(state.ledger?.gaps).toEqual([]);
    expect(story.problems(begin)).toEqual([]);
  });

  it.each([
    ['paused', (node: TestNode) => node.service.pauseTask('old', { note: 'why' }), { state: 'paused', note: 'why' }],
    ['cancelled', (node: TestNode) => node.service.cancelTask('old'), { state: 'cancelled' }],
    ['deleted', (node: TestNode) => node.service.deleteTask('old'), { state: 'deleted', was: 'active' }],
    [
      'on a schedule of an operator',
      (node: TestNode) => node.service.updateSchedule('old', { every: '7m' }),
      { state: 'active', definition: { handler: 'new', schedule: { every: 420_000 } } },
    ],
  ])('stays %s', async (_what, change, expected) => {
    const v1 = await story.deploy('v1', 'old');
    await story.cluster.during<unknown>(change(v1));
    const { since, createdAt } = story.document('old')!;
    await story.leave(v1);
    await story.deploy('v2', 'new', FORMER);
    const again = await story.deploy('v2-again', 'new', FORMER);
    await advance('2m');
    expect(story.document('new')).toMatchObject({ ...expected, since, createdAt });
    expect(story.document('new')).not.toHaveProperty('rename');
    expect(again.service.getTask('old')).toBeUndefined();
  });

  it('takes what its code says anew where that has changed with the name', async () => {
    const v1 = await story.deploy('v1', 'old');
    await story.cluster.during(v1.service.updateSchedule('old', { every: '7m' }));
    await story.leave(v1);
    const v2 = await story.deploy('v2', 'new', { ...FORMER, description: 'another' });
    expect(v2.service.getTask('new')).toMatchObject({
      description: 'another',
      scheduleText: expect.stringMatching(/10/),
    });
    expect(story.document('new')!.declared).toBeDefined();
  });

  it('is not moved while a run of it goes on, which ends under the name it began with', async () => {
    const v1 = await story.deploy('v1', 'old', { overlap: 'skip' });
    let end = (): void => undefined;
    story.work = ({ nodeId }) => (nodeId === 'v2' ? new Promise<void>((resolve) => (end = resolve)) : undefined);
    await advance('30s');
    const v2 = await story.deploy('v2', 'new', FORMER);
    await story.leave(v1);
    await advance('15s');
    expect(story.calls.at(-1)).toMatchObject({ task: 'old', node: 'v2' });
    const { revision } = story.cluster.store.get('test/tasks/old')!;
    await advance('5m');
    expect(names(v2)).toEqual(['old']);
    expect(story.cluster.store.get('test/tasks/old')!.revision).toBe(revision); // it was not even halted for a moment
    story.work = () => undefined;
    end();
    await advance('40s');
    expect(names(v2)).toEqual(['new']);
    const records = await story.records(v2, 'new');
    expect(records.filter(({ task }) => task === 'old').map(({ outcome }) => outcome)).not.toContain('lost');
  });

  it('is not halted by a run that was claimed just when it was to be moved', async () => {
    const v1 = await story.deploy('v1', 'old', { overlap: 'skip' });
    const v2 = await story.deploy('v2', 'new', FORMER);
    await advance('25s');
    await story.leave(v1);
    let end = (): void => undefined;
    const { writer } = v2.scheduler;
    const change = writer.change.bind(writer);
    let isHeld = false;
    writer.change = async (name, decide, known) => {
      if (isHeld) return change(name, decide, known);
      isHeld = true;
      // it has found no run, and is slow to ask: there is a tick meanwhile
      story.work = () => new Promise<void>((resolve) => (end = resolve));
      await new Promise<void>((resolve) => story.cluster.clock.setTimer(10_500, resolve));
      return change(name, decide, known);
    };
    await advance('25s');
    expect(isHeld).toBe(true);
    expect(story.calls.at(-1)).toMatchObject({ task: 'old', node: 'v2' });
    expect([names(v2), story.document('old')]).toMatchObject([['old'], { state: 'active' }]);
    story.work = () => undefined;
    end();
    await advance('1m');
    expect(names(v2)).toEqual(['new']);
  });

  it('starts a run that was claimed before it was halted to be moved', async () => {
    const v1 = await story.deploy('v1', 'old');
    const v2 = await story.deploy('v2', 'new', FORMER);
    await advance('25s');
    await story.leave(v1);
    const { writer } = v2.scheduler;
    const change = writer.change.bind(writer);
    const pauses = [9_930, 200]; // the tick is claimed, then it is halted, then the run starts
    writer.change = async (name, decide, known) => {
      const pause = pauses.shift();
      if (pause !== undefined) await new Promise<void>((resolve) => story.cluster.clock.setTimer(pause, resolve));
      return change(name, decide, known);
    };
    await advance('1m');
    expect(pauses).toEqual([]);
    expect(names(v2)).toEqual(['new']);
    expect(story.problems(begin)).toEqual([]);
  });

  it('is not declared over by a node that has heard neither of it nor of its move', async () => {
    void story.cluster.replica; // what is stale is seen in it
    const deaf = await story.deploy('v2-deaf', 'another');
    deaf.host.cutLink('watches');
    deaf.host.staleMs = 120_000;
    const v1 = await story.deploy('v1', 'old');
    await story.cluster.during(v1.service.pauseTask('old'));
    const v2 = await story.deploy('v2', 'new', FORMER);
    const { writer } = v2.scheduler;
    const change = writer.change.bind(writer);
    let isDeclared = false;
    writer.change = async (name, decide, known) => {
      if (!isDeclared && name === 'old' && story.document('new')) {
        isDeclared = true;
        expect(deaf.service.listTasks({ state: ['paused', 'renamed'] })).toEqual([]);
        await deaf.service.defineTask({ name: 'new', schedule: { every: '1h' }, ...FORMER, run: () => undefined });
      }
      return change(name, decide, known);
    };
    await story.leave(v1);
    await advance('40s');
    expect(isDeclared).toBe(true);
    expect(story.document('new')).toMatchObject({
      state: 'paused',
      definition: { schedule: { cron: '*/10 * * * * *' } },
    });
  });

  it('is not committed to by a node that asked for it before somebody else did', async () => {
    const v1 = await story.deploy('v1', 'old');
    const v2 = await story.deploy('v2', 'new', FORMER);
    await advance('25s');
    await story.leave(v1);
    const { writer } = v2.scheduler;
    const change = writer.change.bind(writer);
    let isHeld = false;
    writer.change = async (name, decide, known) => {
      const doc = story.document('old')!;
      if (!isHeld && name === 'old' && doc.rename && story.document('new')) {
        isHeld = true;
        // taken back and asked for anew: for that one no placeholder stands yet
        const rename = { ...doc.rename, generation: 'another' };
        await change(name, (held) => ({ ...held!, rename }));
      }
      return change(name, decide, known);
    };
    await advance('10s');
    expect(isHeld).toBe(true);
    expect(story.document('old')).toMatchObject({ rename: { generation: 'another', step: 'asked' } });
    await advance('1m');
    expect(names(v2)).toEqual(['new']);
    expect(story.document('new')).toMatchObject({ generation: 'another' });
    expect(story.problems(begin)).toEqual([]);
  });

  it('takes a run of a dead node along, which that node does not take up again when it was only frozen', async () => {
    const v1 = await story.deploy('v1', 'old', { overlap: 'skip' });
    const frozen = await story.deploy('v2', 'new', { ...FORMER, overlap: 'skip' });
    await story.leave(v1);
    await advance('35s');
    const going: TaskRun[] = [];
    story.work = (run) => {
      going.push(run);
      return new Promise((_, reject) => run.signal.addEventListener('abort', () => reject(run.signal.reason as Error)));
    };
    await advance('10s');
    expect(going.map(({ task }) => task)).toEqual(['new']);
    frozen.host.freeze();
    await advance('15s');
    const other = await story.make('v1-again', 'old', { overlap: 'skip' });
    const { units } = other.scheduler.context;
    const create = units.create.bind(units);
    let isHeld = false;
    units.create = async (unit, state, again) => {
      units.create = create;
      isHeld = true; // between the two units: the frozen node comes back right here
      frozen.host.unfreeze();
      await new Promise<void>((resolve) => story.cluster.clock.setTimer(5_000, resolve));
      return create(unit, state, again);
    };
    await story.cluster.settle([other]);
    expect(isHeld).toBe(true);
    await story.cluster.clock.advanceUntil(() => going.length === 2);
    expect(going.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(going[1]!.task).toBe('old');
    expect(going[0]!.signal.aborted).toBe(true);
    for (const service of [frozen.service, other.service]) expect(service.listRunning().length).toBeLessThan(2);
    expect(frozen.service.listRunning().length + other.service.listRunning().length).toBe(1);
    story.work = () => undefined;
  });

  it('goes back to its former name with all it has, when the deploy is rolled back', async () => {
    const v1 = await story.deploy('v1', 'old');
    await advance('1m');
    const v2 = await story.deploy('v2', 'new', FORMER);
    await story.leave(v1);
    await advance('2m');
    expect(names(v2)).toEqual(['new']);
    const back = await story.deploy('v1-again', 'old');
    await advance('2m');
    expect([names(v2), names(back)]).toEqual([['old'], ['old']]);
    await story.leave(v2);
    await advance('2m');
    expect(story.names()).toEqual(['old', 'new', 'old']);
    expect(story.problems(begin)).toEqual([]);
    expect(story.keysOf('new')).toEqual([]);
    const { counters } = back.scheduler.context.units.peek(back.scheduler.context.catalog.get('old')!.units[0]!)!;
    expect(counters.claimed).toBe(story.calls.length);
    await story.deploy('v2-again', 'new', FORMER);
    await story.leave(back);
    await advance('2m');
    expect(story.names()).toEqual(['old', 'new', 'old', 'new']);
    expect(story.problems(begin)).toEqual([]);
  });

  it('goes back when the older version comes up only after the newer one has gone', async () => {
    const v1 = await story.deploy('v1', 'old');
    const v2 = await story.deploy('v2', 'new', FORMER);
    await story.leave(v1);
    await advance('1m');
    await story.cluster.during(v2.service.pauseTask('new', { note: 'kept' }));
    await story.leave(v2);
    const back = await story.deploy('v1-again', 'old');
    expect(back.service.getTask('old')).toMatchObject({ state: 'paused', note: 'kept' });
  });

  it('is one task also where both versions came up at the same time, on an empty registry', async () => {
    const nodes = [await story.make('v1', 'old'), await story.make('v2', 'new', FORMER)];
    await story.cluster.settle(nodes);
    await advance('1m');
    expect(nodes.map(names)).toEqual([['old'], ['old']]);
    expect(story.problems(begin + 60_000)).toEqual([]);
    await story.leave(nodes[0]!);
    await advance('1m');
    expect(names(nodes[1]!)).toEqual(['new']);
    expect(story.problems(begin + 60_000)).toEqual([]);
  });

  it('is one task again where an older version came up that had never heard of the newer name', async () => {
    const v2 = await story.deploy('v2', 'new', FORMER);
    await advance('1m');
    const v1 = await story.deploy('v1', 'old');
    await advance('1m');
    expect([v1, v2].map(names)).toEqual([['old'], ['old']]);
    expect(story.document('new')).toMatchObject({ rename: { to: 'old', step: 'done' } });
    expect(story.keysOf('new')).toEqual([]);
  });

  it('has had several names: whoever knows any of them gets it', async () => {
    const v1 = await story.deploy('v1', 'a');
    await advance('1m');
    const v2 = await story.deploy('v2', 'b', { aliases: ['a'] });
    await story.leave(v1);
    await advance('1m');
    const v3 = await story.deploy('v3', 'c', { aliases: ['b', 'a'] });
    await story.leave(v2);
    await advance('1m');
    expect(names(v3)).toEqual(['c']);
    const back = await story.deploy('v1-again', 'a');
    await story.leave(v3);
    await advance('1m');
    expect(names(back)).toEqual(['a']);
    expect(story.names()).toEqual(['a', 'b', 'c', 'a']);
    expect(story.problems(begin)).toEqual([]);
  });

  it('leaves its former name free for another task, of a version that has both', async () => {
    const v1 = await story.deploy('v1', 'old');
    await story.leave(v1);
    const v2 = await story.deploy('v2', 'new', FORMER);
    await story.cluster.during(v2.service.pauseTask('new'));
    const v3 = await story.make('v3', 'new');
    await v3.service.defineTask({ name: 'old', schedule: { every: '1h' }, run: () => undefined });
    await story.cluster.settle([v3]);
    await story.leave(v2);
    await advance('2m');
    expect(v3.service.getTask('old')).toMatchObject({ state: 'active', schedule: { every: 3_600_000 } });
    expect(v3.service.getTask('new')).toMatchObject({ state: 'paused' });
  });

  it('stays where two versions know one name each and neither the other: no version takes it from the other', async () => {
    const v1 = await story.deploy('v1', 'old');
    const v2 = await story.deploy('v2', 'new', FORMER);
    await story.leave(v1);
    await advance('1m');
    await story.deploy('v3', 'new');
    await story.leave(v2);
    await story.deploy('v1-again', 'old');
    await advance('3m');
    expect(story.names()).toEqual(['old', 'new']);
    expect(story.problems(begin)).toEqual([]);
  });

  it('is purged with what tells of its former name, once nobody knows that for long enough', async () => {
    const v1 = await story.deploy('v1', 'old');
    await story.leave(v1);
    const v2 = await story.deploy('v2', 'new', FORMER);
    await advance('10m');
    expect(story.document('old')).not.toHaveProperty('orphanedSince');
    const v3 = await story.deploy('v3', 'new');
    await story.leave(v2);
    await advance('2m');
    expect(story.document('old')).toHaveProperty('orphanedSince');
    expect(v3.service.getTask('new')?.orphanedSince).toBeUndefined();
  });

  it('is told of where it is asked for by its former name', async () => {
    const v1 = await story.deploy('v1', 'old');
    await story.leave(v1);
    const v2 = await story.deploy('v2', 'new', FORMER);
    await expect(v2.service.pauseTask('old')).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
      message: 'Task "old" is called "new" now',
    });
  });

  it('has its runs under the ids they had: looked at, run again and cancelled by them', async () => {
    story.work = ({ id, signal }) => {
      if (id === story.calls[0]!.runId) throw new Error('boom');
      if (id !== story.calls[2]?.runId) return undefined;
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const v1 = await story.deploy('v1', 'old');
    await story.cluster.clock.advanceUntil(() => story.calls.length === 3);
    const [failed, , going] = story.calls.map(({ runId }) => runId);
    story.cluster.crash(v1);
    await advance('1m'); // nobody is left who could go on with it under its former name
    const { service } = await story.deploy('v2', 'new', FORMER);
    await advance('70s');
    expect(service.listTasks().map(({ name }) => name)).toEqual(['new']);
    expect(story.calls.filter(({ runId }) => runId === going).map(({ node }) => node)).toEqual(['v1', 'v2']);
    const { cluster } = story;
    expect(await cluster.during(service.getRun(failed!))).toMatchObject({ id: failed, outcome: 'failed' });
    expect(await cluster.during(service.cancelRun(going!))).toBe(true);
    expect(await cluster.during(service.getRun(going!))).toMatchObject({ id: going, outcome: 'cancelled' });
    const handle = await cluster.during(service.retryRun(failed!));
    const again = { task: 'new', outcome: 'succeeded', again: failed };
    expect(await cluster.during(handle.result())).toMatchObject(again);
  });

  it('is refused with aliases that cannot be, and where the task is none of the code', async () => {
    const run = (): void => undefined;
    const { service } = await story.make('v1', 'one');
    const define = (aliases: unknown) =>
      service.defineTask({ name: 'two', schedule: { every: '1h' }, aliases: aliases as string[], run });
    await expect(define('old')).rejects.toThrow('aliases: "old" is not a list of former names');
    await expect(define(['two'])).rejects.toThrow('aliases[0]: "two" is the name it has now');
    await expect(define(['a b'])).rejects.toThrow('aliases[0]: "a b" is no name');
    await expect(define(['one'])).rejects.toThrow(`Two handlers or tasks are named "one": defineTask('one')`);
    const dynamic = service.addTask({ name: 'three', handler: 'one', schedule: { every: '1h' }, aliases: ['four'] });
    await expect(dynamic).rejects.toThrow('aliases: only a task declared in code has former names');
  });
});
