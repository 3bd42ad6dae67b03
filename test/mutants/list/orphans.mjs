/** Runs whose node died: who may say so, and who takes them. */
const recovery = 'lib/core/scheduler/recovery.ts';
const decisions = 'lib/core/scheduler/run-decisions.ts';

export const orphans = [
  {
    name: 'dead-by-an-old-read',
    open: 'stale reads on owners while the others join again',
    breaks: 'A session is dead only by a fresh read of its key',
    rules: ['recovery'],
    file: 'lib/core/scheduler/is-dead.ts',
    find: 'await registry.get(keys.node(holder.node), { fresh: true })',
    replace: 'await registry.get(keys.node(holder.node))',
  },
  {
    name: 'dead-by-the-view',
    breaks: 'A session is dead only by a fresh read: a node missing from a view may just have joined',
    rules: ['recovery'],
    file: recovery,
    find: '!(await isDead(this.context.registry, run))',
    replace: 'this.view.get(run.node)?.boot === run.boot',
    also: [
      {
        find: 'private readonly handlers: HandlerTable, ) {}',
        replace: `private readonly handlers: HandlerTable,
    private readonly view: ClusterView,
  ) {}`,
      },
      {
        find: "import { errorMessage } from '../common/errors.js';",
        replace:
          "import type { ClusterView } from '../cluster/cluster-view.js';\nimport { errorMessage } from '../common/errors.js';",
      },
      {
        file: 'lib/core/scheduler/scheduler.ts',
        find: 'new Recovery(this.context, this.launcher, this.handlers)',
        replace: 'new Recovery(this.context, this.launcher, this.handlers, this.view)',
      },
    ],
  },
  {
    name: 'dead-while-joining-again',
    breaks: 'A node that is joining again is about to bind its runs to its new session',
    rules: ['recovery'],
    file: 'lib/core/scheduler/is-dead.ts',
    find: "return node.session !== holder.session && node.status === 'working';",
    replace: 'return node.session !== holder.session;',
  },
  {
    name: 'dead-unless-here',
    breaks: 'A run is looked after only when its session is dead',
    rules: ['recovery'],
    file: recovery,
    find: 'if (run.boot === this.context.node.boot ? this.launcher.isLive(run) : !(await isDead(this.context.registry, run)))',
    replace: 'if (this.launcher.isLive(run))',
  },
  {
    name: 'zombie-not-recognised',
    breaks: 'A run that was taken over is no longer its first holder’s',
    rules: ['recovery', 'honest-end'],
    file: decisions,
    find: 'return state.runs.find((run) => run.id === id && run.boot === boot && run.attempt === attempt);',
    replace: "return state.runs.find((run) => run.id === id && boot !== '' && attempt > 0);",
  },
  {
    name: 'takeover-without-compare',
    open: 'views that differ for longer, so that two owners look after the same orphan',
    breaks: 'An orphan is taken over as it was found, or not at all',
    rules: ['recovery'],
    file: decisions,
    find: 'if (!run || !isAsFound(run, orphan)) return { outcome: undefined }; const { node,',
    replace: 'if (!run) return { outcome: undefined }; const { node,',
  },
  {
    name: 'changed-since-it-was-found',
    breaks:
      'A run that has begun to wait since it was found dead is not lost, and one that has begun again is not taken over',
    rules: ['single-start', 'retry'],
    file: decisions,
    find: 'run.session === session && run.retry?.at === retry?.at;',
    replace: 'run.session === session && (run.retry?.at ?? 0) >= 0;',
  },
  {
    name: 'lost-without-compare',
    open: 'nodes that bind their runs again while the owner settles them',
    breaks: 'An orphan is settled as it was found, or not at all',
    rules: ['recovery'],
    file: decisions,
    find: 'if (!run || !isAsFound(run, orphan)) return { outcome: undefined }; const outcome',
    replace: 'if (!run) return { outcome: undefined }; const outcome',
  },
  {
    name: 'none-taken-over',
    breaks: "With recovery 'none' a handler starts at most once per tick",
    rules: ['single-start'],
    file: recovery,
    find: "if (!goesOn || doc.state === 'cancelled')",
    replace: "if (doc.state === 'cancelled')",
  },
  {
    name: 'no-look-when-a-node-leaves',
    open: 'tasks with long gaps: at the next tick the owner looks anyway',
    breaks: 'The runs of a node that is gone are looked after',
    rules: ['settled'],
    file: 'lib/core/scheduler/scheduler.ts',
    find: "if (change.type === 'left') this.loop.readoptAll();",
    replace: '',
  },
  {
    name: 'owner-does-not-look',
    breaks: 'A new owner looks after the orphans of its unit',
    rules: ['settled'],
    file: 'lib/core/scheduler/tick-loop.ts',
    find: 'if (state.runs.length > 0) await this.recovery.check(charge.unit, task, state);',
    replace: '',
  },
];
