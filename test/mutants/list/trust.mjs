/** The session, the window in which a node trusts it, and the clocks. */
const keeper = 'lib/core/cluster/session-keeper.ts';
const clock = 'lib/core/cluster/cluster-clock.ts';
const launcher = 'lib/core/scheduler/run-launcher.ts';
const scheduler = 'lib/core/scheduler/scheduler.ts';

export const trust = [
  {
    name: 'trust-by-wall-clock',
    breaks: 'Trust is judged on the monotonic clock',
    rules: ['overlap', 'claimed', 'on-time'],
    file: keeper,
    find: 'if (!this.current || this.clock.monotonic() >= this.trustUntil) return false;',
    replace: `if (!this.current || this.clock.now() >= this.trustUntil) return false;
    if (this.current) return true;`,
    also: [
      {
        find: 'this.trustUntil = sent + session.ttlMs - trustMarginMs(session.ttlMs);',
        replace: `const trustedMs = sent + session.ttlMs - trustMarginMs(session.ttlMs) - this.clock.monotonic();
    this.trustUntil = this.clock.now() + trustedMs;`,
      },
      {
        find: "this.trustUntil - this.clock.monotonic(), () => this.lose('trust-window')",
        replace: "trustedMs, () => this.trusted() || this.lose('trust-window')",
      },
    ],
  },
  {
    name: 'trust-from-the-reply',
    open: 'freezes that begin while a renewal is under way',
    breaks: 'Trust counts from when the renewal was sent',
    rules: ['overlap', 'claimed'],
    file: keeper,
    find: 'this.trustFrom(sent, session); this.hooks.onRenewed();',
    replace: 'this.trustFrom(this.clock.monotonic(), session); this.hooks.onRenewed();',
  },
  {
    name: 'clock-step-not-noticed',
    breaks: 'A node whose clock was stepped starts nothing before it has asked for the time',
    rules: ['on-time', 'accounted'],
    file: keeper,
    find: 'return !isStep(wall - monotonic);',
    replace: 'return wall >= 0 || monotonic >= 0;',
  },
  {
    name: 'step-forgiven-unmeasured',
    open: 'lost answers to the question for the time alone, after a step',
    breaks: 'After a step of the clock trust does not come back before the time is right',
    rules: ['on-time', 'accounted'],
    file: keeper,
    find: 'if (await this.hooks.measureClock()) this.noteClocks();',
    replace: 'await this.hooks.measureClock(); this.noteClocks();',
  },
  {
    name: 'unchecked-start',
    breaks: 'A handler starts inside the trust window, or after a look at the registry',
    rules: ['claimed'],
    file: 'lib/core/scheduler/start-check.ts',
    find: 'return this.context.keeper.trustedBy(entry.session);',
    replace: 'return (this.context.keeper.session ?? entry.session) !== undefined;',
  },
  {
    name: 'expired-session-kept',
    breaks: 'A session that the store has ended is never used again',
    rules: ['converged'],
    file: keeper,
    find: "if (answer === 'expired') {",
    replace: "if (answer === 'expired' && !this.trusted()) {",
  },
  {
    name: 'heartbeat-rejects',
    breaks: 'A renewal that fails is tried again and is no unhandled rejection',
    rules: ['unhandled'],
    file: keeper,
    find: 'try { await this.renew(); } catch { next = Math.min(next, RETRY_MS);',
    replace: 'try { await this.renew(); } finally { next = Math.min(next, RETRY_MS);',
  },
  {
    name: 'runs-go-on-without-session',
    breaks: 'Runs that must not go on beside another one are aborted when the session is lost',
    rules: ['overlap'],
    file: scheduler,
    find: "this.launcher.abortExclusive('the session of its node was lost');",
    replace: '',
  },
  {
    name: 'rerun-goes-on-without-session',
    open: 'long runs of tasks that allow overlap and are run again, on nodes that are cut off for longer than a session',
    breaks: 'A run that will be started again elsewhere is aborted when the session is lost',
    rules: ['overlap'],
    file: launcher,
    find: "if (task.policies.recovery === 'rerun' || task.policies.overlap !== 'allow')",
    replace: "if (task.policies.overlap !== 'allow')",
  },
  {
    name: 'offset-ignored',
    breaks: 'Ticks are started by the time of the registry',
    rules: ['on-time', 'accounted'],
    file: clock,
    find: 'return Math.floor(this.base.now() - this.stepMs() + this.offset);',
    replace: 'return Math.floor(this.base.now() - 0 * this.stepMs());',
  },
  {
    name: 'offset-measured-once',
    breaks: 'Trust never comes back before the time is right',
    rules: ['on-time', 'prompt'],
    file: scheduler,
    find: 'measureClock: () => this.measureClock().then( () => true, () => false, ),',
    replace: 'measureClock: async () => true,',
  },
  {
    name: 'old-samples-believed',
    breaks: 'What was measured before a step of the clock is forgotten',
    rules: ['on-time', 'prompt'],
    file: clock,
    find: 'const steppedMs = wallAheadMs - (this.wallAheadMs ?? wallAheadMs);',
    replace: 'const steppedMs = 0 * wallAheadMs;',
    also: [
      {
        file: clock,
        find: 'both.from <= both.to ? both : { from, to };',
        replace: 'both.from <= both.to ? both : known;',
      },
    ],
  },
  {
    name: 'timer-not-armed-again',
    open: 'nodes on which nothing is due for longer than a minute',
    breaks: 'A timer that fires before its time forgets nothing',
    rules: ['prompt', 'settled'],
    file: 'lib/core/scheduler/timeline.ts',
    find: 'for (let top = this.heap.peek(); top && top.at <= now; top = this.heap.peek()) {',
    replace: `if ((this.heap.peek()?.at ?? Infinity) > now) return;
    for (let top = this.heap.peek(); top && top.at <= now; top = this.heap.peek()) {`,
  },
];
