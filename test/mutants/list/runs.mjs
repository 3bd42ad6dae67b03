/** Runs beside runs, and how their ends are told. */
const decision = 'lib/core/scheduler/claim-decision.ts';
const decisions = 'lib/core/scheduler/run-decisions.ts';
const launcher = 'lib/core/scheduler/run-launcher.ts';
const scheduler = 'lib/core/scheduler/scheduler.ts';

export const runs = [
  {
    name: 'overlap-looks-at-home-only',
    breaks: 'Overlap is judged in the cluster, not in the process',
    rules: ['overlap'],
    file: decision,
    find: 'const blocker = blockerOf(state, task); if (blocker) { const blocked',
    replace: `const home = { ...state, runs: state.runs.filter(({ node }) => node === request.node) };
  const blocker = blockerOf(home, task);
  if (blocker) {
    const blocked`,
  },
  {
    name: 'no-limit-in-parallel',
    breaks: 'maxParallel bounds how many runs of a task go on at once',
    rules: ['overlap'],
    file: 'lib/core/scheduler/claim.ts',
    find: "policies.maxParallel ?? (policies.overlap === 'allow' ? Infinity : 1)",
    replace: "(policies.overlap === 'allow' ? Infinity : 1)",
  },
  {
    name: 'suspect-blocker-trusted',
    breaks: 'Only a run that was found alive stands in the way of a tick',
    rules: ['recovery'],
    file: decision,
    find: "if (!request.alive(blocker)) return { outcome: { kind: 'suspect' } }; const { overlap, misfire } = task.policies;",
    replace: 'const { overlap, misfire } = task.policies;',
  },
  {
    name: 'attempt-not-counted-up',
    breaks: 'Each attempt of a run has a number of its own',
    rules: ['single-start'],
    file: 'lib/core/execution/middlewares/retry.ts',
    find: 'if (attempt > first.attempt) invocation.run = changedRun(first, { attempt });',
    replace: 'if (attempt > first.attempt) invocation.run = changedRun(first, {});',
  },
  {
    name: 'retry-unasked',
    breaks: 'A further attempt is begun by a write, which only one node can make',
    rules: ['retry', 'claimed', 'overlap'],
    file: 'lib/core/scheduler/retry-pause.ts',
    find: 'const begun = this.isBound(run) ? await this.begin(run) : undefined;',
    replace: 'const begun = true;',
  },
  {
    name: 'drain-hands-nothing-over',
    breaks: 'A run that did not end before a shutdown is started again elsewhere',
    rules: ['honest-end'],
    file: 'lib/core/scheduler/leaving.ts',
    find: "this.launcher.abortAll('shutdown', { handOver: true });",
    replace: "this.launcher.abortAll('shutdown', { handOver: false });",
  },
  {
    name: 'cut-cancels-reruns',
    breaks: 'A run that was aborted because its node was cut off is started again elsewhere',
    rules: ['honest-end'],
    file: launcher,
    find: 'this.abort(entry.id, reason, { handOver: true });',
    replace: 'this.abort(entry.id, reason);',
  },
  {
    name: 'released-run-stays-bound',
    open: 'nodes that release a run and stay: a task halted between the take-over of its run and the start; `test/cluster/retries.spec.ts` looks at what is released',
    breaks: 'A run that is given up is released, so that nobody takes it for alive',
    rules: ['settled'],
    file: decisions,
    find: 'return change(state, hold, (run) => ({ ...run, session: RELEASED, ...(retry && { retry }) }));',
    replace: 'return change(state, hold, (run) => ({ ...run, ...(retry && { retry }) }));',
  },
  {
    name: 'end-given-up-early',
    breaks: 'The end of a run is recorded as it was, however long that takes',
    rules: ['honest-end'],
    file: launcher,
    find: 'const again = (): boolean => !this.closed;',
    replace: 'const again = (): boolean => this.live.size < 0;',
  },
  {
    name: 'history-before-the-unit',
    open: 'more ends of runs on nodes that were cut off and are settled elsewhere',
    breaks: 'Out of the trust window history waits for what the unit says',
    rules: ['history'],
    file: launcher,
    find: 'const early = known && isOurs();',
    replace: 'const early = known;',
  },
  {
    name: 'shutdown-claims',
    breaks: 'Who leaves claims nothing any more',
    rules: ['claimant'],
    file: 'lib/core/scheduler/tick-loop.ts',
    find: 'this.stopped = true; this.dropAll();',
    replace: '',
  },
  {
    name: 'not-rebound',
    open: 'a rule: a run that goes on in a node that has joined again is not settled as lost',
    breaks: 'Runs that go on are bound to the new session of their node',
    rules: ['honest-end'],
    file: scheduler,
    find: 'await this.launcher.rebind(this.membership.keeper.session!.id);',
    replace: '',
  },
  {
    name: 'rerun-given-up',
    breaks: "With recovery 'rerun' every claimed run comes to its end",
    rules: ['honest-end'],
    file: 'lib/core/scheduler/recovery.ts',
    find: "if (!goesOn || doc.state === 'cancelled')",
    replace: "if (!goesOn || doc.state !== 'active' || state.runs.length > 1)",
  },
];
