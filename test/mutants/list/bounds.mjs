/** From when on, up to when and how often a task runs, and how much later than its ticks. */
const claim = 'lib/core/scheduler/claim.ts';
const bounds = 'lib/core/schedule/bounds.ts';
const jitter = 'lib/core/schedule/jitter.ts';

export const limits = [
  {
    name: 'max-runs-ignored',
    breaks: 'A task has at most `maxRuns` runs of its ticks',
    rules: ['max-runs'],
    file: claim,
    find: 'return policies.maxRuns !== undefined && (counters.claimed ?? 0) >= policies.maxRuns;',
    replace: 'return policies.maxRuns !== undefined && (counters.claimed ?? 0) >= 10 * policies.maxRuns;',
  },
  {
    name: 'max-runs-and-one',
    breaks: 'A task has at most `maxRuns` runs of its ticks',
    rules: ['max-runs'],
    file: claim,
    find: '(counters.claimed ?? 0) >= policies.maxRuns;',
    replace: '(counters.claimed ?? 0) > policies.maxRuns;',
  },
  {
    name: 'max-runs-counts-successes',
    breaks: 'Runs count from their claim on, however they end',
    rules: ['max-runs'],
    file: claim,
    find: '(counters.claimed ?? 0) >= policies.maxRuns;',
    replace: '(counters.succeeded ?? 0) >= policies.maxRuns;',
  },
  {
    name: 'max-runs-of-each-node',
    breaks: 'Runs are counted in the cluster, not by each node',
    rules: ['max-runs'],
    file: 'lib/core/scheduler/claim-decision.ts',
    find: 'const spent = isSpent(state, task);',
    replace: `const counter = \`\${request.boot} \${task.name} \${task.doc.generation}\`;
  if (!firstSeen.has(counter)) firstSeen.set(counter, state.counters.claimed ?? 0);
  const claimed = (state.counters.claimed ?? 0) - firstSeen.get(counter)!;
  const spent = isSpent({ ...state, counters: { ...state.counters, claimed } }, task);`,
    also: [
      {
        find: 'export const GRACE_MS = 1_000;',
        replace: `export const GRACE_MS = 1_000;
const firstSeen = new Map<string, number>();`,
      },
    ],
  },
  {
    name: 'spent-not-completed',
    breaks: 'A task that has had its runs is completed',
    rules: ['max-runs'],
    file: 'lib/core/scheduler/tick-loop.ts',
    find: 'else if (state?.runs.length === 0 && !state.queued && !pendingBackfill(state, task))',
    replace:
      'else if (state?.runs.length === 0 && !isSpent(state, task) && !state.queued && !pendingBackfill(state, task))',
  },
  {
    name: 'starts-before-startAt',
    breaks: 'No tick before `startAt`',
    rules: ['accounted'],
    file: bounds,
    find: 'const tick = schedule.next(Math.max(after, first - 1));',
    replace: 'const tick = schedule.next(Math.max(after, first - 20_000));',
    also: [
      {
        find: 'schedule.count!(Math.max(after, first - 1), Math.min(upTo, last)),',
        replace: 'schedule.count!(Math.max(after, first - 20_000), Math.min(upTo, last)),',
      },
    ],
  },
  {
    name: 'goes-on-after-endAt',
    breaks: 'No tick after `endAt`',
    rules: ['accounted'],
    file: bounds,
    find: 'const last = endAt ?? Infinity;',
    replace: 'const last = (endAt ?? Infinity) + 10_000;',
  },
  {
    name: 'jitter-by-chance',
    breaks: 'Every node computes the same jitter of a tick',
    rules: ['on-time', 'accounted', 'prompt'],
    file: jitter,
    find: '(hash32(`${seed} ${tick}`) / 2 ** 32)',
    replace: '((hash32(`${seed} ${tick}`) / 2 ** 32) * Math.random())',
  },
  {
    name: 'jitter-of-each-node',
    breaks: 'Every node computes the same jitter of a tick',
    rules: ['on-time', 'accounted', 'prompt'],
    file: 'lib/core/task/catalog.ts',
    find: 'schedule: ticksOf(name, doc, policies),',
    replace: 'schedule: ticksOf(`${name} ${this.bootedAt}`, doc, policies),',
    also: [
      {
        find: 'private readonly logger: LoggerPort, ) {}',
        replace: `private readonly logger: LoggerPort,
    private readonly bootedAt: number,
  ) {}`,
      },
      {
        file: 'lib/core/scheduler/scheduler.ts',
        find: 'new Catalog((change) => this.onTaskChange(change), logger)',
        replace: 'new Catalog((change) => this.onTaskChange(change), logger, this.startedAt)',
      },
    ],
  },
  {
    name: 'jitter-past-the-next-tick',
    breaks: 'A run starts before the next tick',
    rules: ['on-time'],
    file: jitter,
    find: 'const room = next === undefined ? jitterMs : Math.min(jitterMs, next - tick);',
    replace: 'const room = next === undefined ? jitterMs : jitterMs;',
  },
  {
    name: 'jitter-not-waited-for',
    breaks: 'A run starts no sooner than its tick and the jitter of that',
    rules: ['on-time', 'prompt'],
    file: 'lib/core/scheduler/live-run.ts',
    find: 'return startOf(task.schedule, entry.tick!);',
    replace: 'return Math.min(startOf(task.schedule, entry.tick!), entry.tick!);',
  },
  {
    name: 'jitter-makes-late',
    breaks: 'A tick is late when its run starts late',
    rules: ['accounted', 'on-time'],
    file: 'lib/core/schedule/ticks.ts',
    find: 'return last !== undefined && startOf(schedule, last) > instant ? last - 1 : instant;',
    replace: 'return last !== undefined && startOf(schedule, last) > 2 * instant ? last - 1 : instant;',
  },
];
