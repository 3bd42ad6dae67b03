/** Ticks that wait for a run to end, or replace it. */
const decision = 'lib/core/scheduler/claim-decision.ts';
const loop = 'lib/core/scheduler/tick-loop.ts';

const ENQUEUED = "settle(state, former ? [skipOf(former.tick, 'overlap', nameOf(blocker))] : []);";

export const waiting = [
  {
    name: 'queue-skips',
    breaks: 'A tick with a run in its way waits where its task says so',
    rules: ['accounted'],
    file: decision,
    find: "if (overlap === 'queue' || overlap === 'replace') return",
    replace: "if (overlap === 'replace') return",
  },
  {
    name: 'queue-keeps-the-oldest',
    breaks: 'The latest tick waits',
    rules: ['accounted', 'queued'],
    file: decision,
    find: 'return { ...decision, next: { ...next, cursor: tick, queued: { tick, trigger, blocker: nameOf(blocker) } } };',
    replace: `if (former) return settle(state, [skipOf(tick, 'overlap', nameOf(blocker))]);
  return { ...decision, next: { ...next, cursor: tick, queued: { tick, trigger, blocker: nameOf(blocker) } } };`,
  },
  {
    name: 'queued-replaced-without-a-trace',
    breaks: 'A tick that gives its place to a later one is skipped',
    rules: ['queued', 'accounted'],
    file: decision,
    find: ENQUEUED,
    replace: "settle(state, former && !former ? [skipOf(tick, 'overlap', nameOf(blocker))] : []);",
  },
  {
    name: 'queued-starts-beside',
    breaks: 'A tick that waits starts when there is room for it',
    rules: ['overlap'],
    file: decision,
    find: 'const blocker = blockerOf(state, task); if (blocker) { if (request.standby) return',
    replace: `const blocker = request.now % 4 < 2 ? blockerOf(state, task) : undefined;
  if (blocker) {
    if (request.standby) return`,
  },
  {
    name: 'queued-runs-again',
    breaks: 'A tick that waited runs once',
    rules: ['accounted', 'queued', 'single-start'],
    file: decision,
    find: 'return claim({ ...state, claimed: tick }, task, request, { tick, trigger }, true);',
    replace:
      'return claim({ ...state, ...(state.seq % 2 && { queued }), claimed: tick }, task, request, { tick, trigger }, true);',
  },
  {
    name: 'queued-dropped-unseen',
    breaks: 'A tick that waited and cannot run is skipped with its reason',
    rules: ['queued', 'accounted'],
    file: decision,
    find: "if (request.now - start > task.policies.misfireDeadlineMs) return dropQueued(before, 'too-late');",
    replace:
      "if (request.now - start > task.policies.misfireDeadlineMs) return { next: state, outcome: { kind: 'settled' } };",
  },
  {
    name: 'queued-for-ever',
    breaks: 'A tick that waits runs no later than its deadline',
    rules: ['accounted'],
    file: decision,
    find: "if (request.now - start > task.policies.misfireDeadlineMs) return dropQueued(before, 'too-late');",
    replace: '',
  },
  {
    name: 'queued-outlives-a-halt',
    breaks: 'A tick that waited when its task was halted is none of what the task is now',
    rules: ['accounted'],
    file: decision,
    find: "if (tick <= task.doc.since) return dropQueued(before, 'overlap');",
    replace: '',
  },
  {
    name: 'queued-turned-into-another',
    breaks: 'A tick that waited runs as what it was',
    rules: ['accounted'],
    file: decision,
    find: 'return claim({ ...state, claimed: tick }, task, request, { tick, trigger }, true);',
    replace: "return claim({ ...state, claimed: tick }, task, request, { tick, trigger: trigger && 'misfire' }, true);",
  },
  {
    name: 'queued-not-looked-at',
    breaks: 'A tick that waits runs when the run in its way has ended',
    rules: ['queued', 'prompt'],
    file: decision,
    find: "if (queued && queued.outcome.kind !== 'blocked') return queued;",
    replace: "if (queued && queued.outcome.kind === 'suspect') return queued;",
  },
  {
    name: 'replaces-nothing',
    breaks: 'The run in the way of a tick that replaces it is told to end',
    rules: ['replace'],
    file: loop,
    find: 'if (outcome.replace)',
    replace: 'if (outcome.replace && !task)',
  },
  {
    name: 'replaces-at-home-only',
    breaks: 'It is told to end on whatever node it runs',
    rules: ['replace'],
    file: loop,
    find: 'if (outcome.replace)',
    replace: 'if (outcome.replace && outcome.replace.node === this.context.node.id)',
  },
  {
    name: 'queue-replaces',
    breaks: 'A tick that only waits ends nobody',
    rules: ['time-limits', 'honest-end'],
    file: decision,
    find: "const isReplaced = task.policies.overlap === 'replace' && !blocker.backfill;",
    replace: 'const isReplaced = !blocker.backfill;',
  },
  {
    name: 'replaces-a-backfill',
    open: 'a run of a backfill that comes to the front of several while a tick waits: behind one alone no tick does',
    breaks: 'What makes up for a tick of the past gives way to none',
    rules: ['time-limits', 'honest-end'],
    file: decision,
    find: "const isReplaced = task.policies.overlap === 'replace' && !blocker.backfill;",
    replace: "const isReplaced = task.policies.overlap === 'replace';",
  },
  {
    name: 'asked-for-beside',
    breaks: 'A run that is asked for obeys the overlap policy',
    rules: ['overlap'],
    file: 'lib/core/scheduler/run-decisions.ts',
    find: "if (blocker) return { outcome: { kind: 'overlap', blocker } };",
    replace: "if (blocker && task.policies.overlap === 'skip') return { outcome: { kind: 'overlap', blocker } };",
  },
];
