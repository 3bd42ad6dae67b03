import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DistributedScheduleError } from '../../lib/core/common/errors.js';
import { type PayloadSchema, withPayloadSchema } from '../../lib/core/execution/payload-schema.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const YEARLY = { cron: '0 0 1 1 *' };
const BUG = new Error('schema bug');
const buggy: PayloadSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: () => {
      throw BUG;
    },
  },
};

/** Of one that does not know the types. */
type Wrong = Record<keyof SchedulerService, (...given: unknown[]) => unknown>;

describe('Wrong arguments', () => {
  let probe: ProbedCluster;
  beforeAll(async () => {
    probe = await probedCluster({ nodes: 1, handlers: { buggy: withPayloadSchema(buggy, () => undefined) } });
    await probe.add('n', {}, YEARLY);
  });
  afterAll(() => probe.cluster.stop());

  async function refused(method: keyof SchedulerService, ...given: unknown[]): Promise<unknown> {
    const service = probe.cluster.node(0).service as unknown as Wrong;
    const asked = (async () => service[method](...given))();
    return probe.cluster.during(
      asked.then(
        (answer) => ({ answer }),
        (error: unknown) => error,
      ),
    );
  }

  it.each([
    'pauseTask',
    'cancelTask',
    'resumeTask',
    'deleteTask',
    'restoreTask',
    'purgeTask',
    'runTask',
    'getTask',
    'getTaskStatus',
    'nextTicks',
    'previewTask',
    'getBackfill',
    'cancelBackfill',
  ] as const)('%s wants the name of a task', async (method) => {
    for (const name of [undefined, 5, 5n, { name: 'n' }]) {
      const error = await refused(method, name);
      expect(error).toBeInstanceOf(DistributedScheduleError);
      const message = expect.stringMatching(/^name: give the name of a task, as text; .+ is none$/);
      expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message });
    }
  });

  it.each<[keyof SchedulerService, unknown[], string]>([
    ['updateSchedule', [undefined, YEARLY], 'name: give the name of a task, as text'],
    ['backfillTask', [undefined, { from: 0 }], 'name: give the name of a task, as text'],
    ['pauseTask', ['n', { noet: 'x' }], "pauseTask: noet: is not known; did you mean 'note'?"],
    ['cancelTask', ['n', null], 'cancelTask: null is no object; give one with note'],
    ['listTasks', [{ tga: 'n' }], "listTasks: tga: is not known; did you mean 'tag'?"],
    ['listTasks', [{ state: 'pausd' }], "listTasks: state: \"pausd\" is none of 'active', 'paused'"],
    ['listTasks', [{ state: ['active', 'pausd'] }], 'listTasks: state: "pausd" is none of'],
    [
      'listTasks',
      [{ source: 'code', tag: 5 }],
      "listTasks: source: \"code\" is none of 'static', 'dynamic'; listTasks: tag: 5 is no text",
    ],
    ['listRuns', [{ tsk: 'n' }], "listRuns: tsk: is not known; did you mean 'task'?"],
    ['listRuns', [{}], 'listRuns: give either { task } or { nodeId }'],
    ['listRuns', [{ task: 'n', nodeId: 'node-1' }], 'listRuns: give either { task } or { nodeId }'],
    ['listRuns', [], 'listRuns: undefined is no object; give one with task, nodeId'],
    ['nextTicks', ['n', -1], 'count: -1 is not a whole number of at least 0'],
    ['nextTicks', ['n', 'x'], 'count: "x" is not a whole number of at least 0'],
    ['previewTask', ['n', { count: Number.NaN }], 'previewTask: count: NaN is not a whole number of at least 0'],
    ['previewSchedule', [YEARLY, { zone: 'UTC' }], 'previewSchedule: zone: is not known'],
    ['setConcurrency', [0], 'concurrency: 0 is not a whole number of at least 1'],
    ['runTask', ['n', { timeout: 'soon' }], 'runTask: timeout: "soon" is not a duration'],
    ['runTask', ['n', { timout: '1s' }], "runTask: timout: is not known; did you mean 'timeout'?"],
    ['retryRun', ['n~1-2', { payload: 5 }], 'retryRun: payload: is not known'],
    ['purgeAllTasks', [], 'purgeAllTasks removes every task of namespace'],
  ])('%s(...%j)', async (method, given, says) => {
    const error = await refused(method, ...given);
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(says) });
  });

  it('a task without its function is not defined', async () => {
    const wrong = await refused('defineTask', { name: 'norun', schedule: YEARLY });
    expect(wrong).toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringContaining('run: undefined is no function'),
    });
    expect(await refused('defineTask')).toMatchObject({ code: 'INVALID_TASK' });
    expect(probe.cluster.node(0).service.getTask('norun')).toBeUndefined();
  });

  it.each(['addTask', 'putTask'] as const)('%s tells which schema failed, and why', async (method) => {
    const error = await refused(method, { name: 't', handler: 'buggy', schedule: YEARLY });
    expect(error).toBeInstanceOf(DistributedScheduleError);
    expect(error).toMatchObject({ code: 'INVALID_TASK', task: 't', cause: BUG });
    expect((error as Error).message).toMatch(/schema of handler "buggy" .* task "t": schema bug/);
  });
});
