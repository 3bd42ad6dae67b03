/** Which ticks there are, and what becomes of those that are late. */
const misfire = 'lib/core/schedule/misfire.ts';
const decision = 'lib/core/scheduler/claim-decision.ts';
const claim = 'lib/core/scheduler/claim.ts';

export const ticks = [
  {
    name: 'no-deadline',
    breaks: 'A tick older than its misfire deadline never runs',
    rules: ['accounted'],
    file: misfire,
    find: 'const expired = Math.max(settledUpTo, begun(lastBefore(now - options.deadlineMs)));',
    replace: 'const expired = settledUpTo;',
  },
  {
    name: 'no-limit',
    breaks: "'fire-all' makes up for at most so many ticks",
    rules: ['accounted'],
    file: misfire,
    find: 'tickFromEnd(schedule, expired, late, options.limit)',
    replace: 'tickFromEnd(schedule, expired, late, Infinity)',
  },
  {
    name: 'oldest-fires-first',
    breaks: "'fire-once' makes up for one tick, the latest",
    rules: ['accounted'],
    file: misfire,
    find: 'const latest = lastTick(schedule, expired, late);',
    replace: 'const latest = lastTick(schedule, expired, late) && schedule.next(expired);',
  },
  {
    name: 'coalesced-not-recorded',
    breaks: 'Every tick that does not run is settled with its reason',
    rules: ['accounted'],
    file: misfire,
    find: "give(expired, latest - 1, 'coalesced');",
    replace: '',
  },
  {
    name: 'since-ignored',
    breaks: 'A task that was paused has missed nothing',
    rules: ['accounted'],
    file: decision,
    find: 'const known = Math.max(state.cursor, task.doc.since);',
    replace: 'const known = state.cursor;',
  },
  {
    name: 'resume-keeps-since',
    breaks: 'What falls due while a task is paused is not made up for',
    rules: ['revival'],
    file: 'lib/core/service/halts.ts',
    find: "return { ...rest, definition, state: 'active', since, updatedAt: now };",
    replace: "return { ...rest, definition, state: 'active', updatedAt: now };",
  },
  {
    name: 'interval-anchored-at-boot',
    breaks: 'The ticks of an interval are the same on every node and after every restart',
    rules: ['accounted'],
    file: 'lib/core/task/catalog.ts',
    find: 'schedule: ticksOf(name, doc, policies),',
    replace: 'schedule: ticksOf(name, this.sinceBoot(doc), policies),',
    also: [
      {
        find: 'private readonly logger: LoggerPort, ) {}',
        replace: `private readonly logger: LoggerPort,
    private readonly bootedAt: number,
  ) {}

  private sinceBoot(doc: TaskDocument): TaskDocument {
    const { schedule } = doc.definition;
    if (!('every' in schedule)) return doc;
    return { ...doc, definition: { ...doc.definition, schedule: { ...schedule, anchor: this.bootedAt } } };
  }`,
      },
      {
        file: 'lib/core/scheduler/scheduler.ts',
        find: 'new Catalog((change) => this.onTaskChange(change), logger)',
        replace: 'new Catalog((change) => this.onTaskChange(change), logger, this.startedAt)',
      },
    ],
  },
  {
    name: 'one-shot-goes-on',
    breaks: 'A one-shot task runs one tick',
    rules: ['claimed'],
    file: claim,
    find: 'if (policies.oneShot && claimed !== undefined && claimed > doc.since) return true;',
    replace: 'if (policies.oneShot && claimed !== undefined && claimed > doc.since + 10_000) return true;',
  },
  {
    name: 'late-is-on-time',
    breaks: 'A late tick is a misfire, and its policy decides',
    rules: ['accounted'],
    file: 'lib/core/scheduler/claimer.ts',
    find: 'graceMs: standby ? GRACE_MS + this.options.standbyDelayMs! : GRACE_MS,',
    replace: 'graceMs: 60 * GRACE_MS,',
  },
  {
    name: 'tail-swallows-runs',
    breaks: 'A stretch of skipped ticks is lengthened only while nothing else has happened',
    rules: ['cursor'],
    file: 'lib/core/scheduler/settle-ticks.ts',
    find: 'if (!tail || tail.seq !== seq || tail.reason !== stretch.reason) return undefined;',
    replace: 'if (!tail || seq < 0 || tail.reason !== stretch.reason) return undefined;',
  },
  {
    name: 'claim-not-counted',
    breaks: 'What happens is counted',
    rules: ['accounted'],
    file: claim,
    find: "if (trigger === 'schedule' || trigger === 'misfire') next.counters",
    replace: "if (more && (trigger === 'schedule' || trigger === 'misfire')) next.counters",
  },
  {
    name: 'end-not-counted',
    breaks: 'How runs end is counted',
    rules: ['honest-end'],
    file: 'lib/core/scheduler/run-decisions.ts',
    find: 'counters: count(state.counters, outcome), last,',
    replace: 'last,',
  },
];
