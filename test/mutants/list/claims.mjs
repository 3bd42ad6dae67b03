/** The claim, the conditional write behind it, and the token that comes out of it. */
const decision = 'lib/core/scheduler/claim-decision.ts';
const store = 'lib/core/scheduler/unit-store.ts';
const update = 'lib/core/registry/update-document.ts';

export const claims = [
  {
    name: 'claim-after-start',
    breaks: 'A handler starts only for a claim that has been granted',
    rules: ['tokens', 'claimed', 'single-start'],
    file: 'lib/core/scheduler/claimer.ts',
    find: 'return units.update(charge.unit, decide, () => keeper.session === session && !this.isStopped());',
    replace: `const known = units.peek(charge.unit);
    const hoped = known && decide(known).outcome;
    if (hoped?.kind === 'claimed')
      void this.launcher.launch({ unit: charge.unit, task: hoped.task, entry: hoped.run, token: hoped.task.token });
    return units.update(charge.unit, decide, () => keeper.session === session && !this.isStopped());`,
    also: [
      {
        file: 'lib/core/scheduler/tick-loop.ts',
        find: 'void this.launcher.launch({',
        replace: 'if (!this.launcher.isLive(outcome.run)) void this.launcher.launch({',
      },
    ],
  },
  {
    name: 'unknown-outcome-is-success',
    breaks: 'A write whose reply was lost may not have happened: never assume',
    rules: ['claimed', 'tokens'],
    file: update,
    find: 'const outcome = await port.commit(value === undefined ? { key, if: base } : { key, value, if: base });',
    replace: `const write = value === undefined ? { key, if: base } : { key, value, if: base };
      const outcome = await port.commit(write).catch((error: unknown): WriteResult => {
        if (error instanceof RegistryUnavailableError && error.outcomeUnknown)
          return { ok: true, revision: base, token: entry === 'unread' ? 0n : (entry?.token ?? 0n) };
        throw error;
      });`,
  },
  {
    name: 'write-without-condition',
    breaks: 'Safety rests on compare-and-set alone',
    rules: ['cursor', 'single-start'],
    file: update,
    find: '{ key, if: base } : { key, value, if: base }',
    replace: '{ key, if: base } : { key, value }',
  },
  {
    name: 'conflict-overwrites',
    breaks: 'On a conflict the decision is made anew from what stands there',
    rules: ['cursor', 'single-start', 'claimed'],
    file: update,
    find: 'entry = outcome.current; if',
    replace: `const { current } = outcome;
        entry = current && entry ? { ...current, value: entry.value } : current;
        if`,
  },
  {
    name: 'late-write-forgotten',
    open: 'writes of units that arrive late just when the clock was stepped, so that the decision turns to leaving it',
    breaks: 'A write of unknown outcome may still be under way, and is settled by another one',
    rules: ['settled', 'honest-end'],
    file: update,
    find: 'if (error.outcomeUnknown && written !== undefined) suspect = written;',
    replace: '',
  },
  {
    name: 'cursor-jumps-to-now',
    breaks: 'The cursor passes only over ticks that are claimed or skipped with a reason',
    rules: ['accounted'],
    file: decision,
    find: 'const next = { ...settled.next, cursor: tick, claimed: tick };',
    replace: 'const next = { ...settled.state, cursor: Math.max(tick, now), claimed: tick };',
  },
  {
    name: 'claim-unheard-is-forgotten',
    breaks: 'A claim that went through unheard is found again, whatever became of trust meanwhile',
    rules: ['settled'],
    file: 'lib/core/scheduler/claimer.ts',
    find: 'if (!isOwn && !mayClaim) return',
    replace: 'if (!mayClaim) return',
  },
  {
    name: 'claim-decided-by-a-stepped-clock',
    open: 'a rule that does not excuse what a process writes while its clock is wrong',
    breaks: 'A claim is decided only while the clock is trusted',
    rules: ['accounted', 'on-time'],
    file: 'lib/core/scheduler/claimer.ts',
    find: 'keeper.session === session && !this.isStopped() && this.mayClaim();',
    replace: 'keeper.session === session && !this.isStopped();',
  },
  {
    name: 'stale-task-claims',
    breaks: 'Who has not heard of a change of the task loses its next claim',
    rules: ['cursor', 'definition'],
    file: decision,
    find: "if (BigInt(state.task) > task.token) return { outcome: { kind: 'stale-task' } };",
    replace: '',
  },
  {
    name: 'run-ids-without-incarnation',
    breaks: 'A restarted process does not take the claims of its predecessor for its own',
    rules: ['single-start'],
    file: 'lib/core/scheduler/scheduler.ts',
    find: 'runIds: new RunIds(node.boot)',
    replace: 'runIds: new RunIds(node.id)',
  },
  {
    name: 'found-claim-keeps-found-token',
    open: 'lost replies to writes alone, so that reads before and after get through, with manual runs of the same task elsewhere',
    breaks: 'No two runs have the same fencing token',
    rules: ['tokens'],
    file: decision,
    find: "if (own) return { next: state, outcome: { kind: 'claimed'",
    replace: "if (own) return { outcome: { kind: 'claimed'",
  },
  {
    name: 'manual-run-not-recognised',
    open: 'lost replies to writes alone: today the read before a manual run is lost with them',
    breaks: 'A manual run that was entered unheard is found and carried out',
    rules: ['settled', 'honest-end'],
    file: 'lib/core/scheduler/run-decisions.ts',
    find: "if (own) return { next: state, outcome: { kind: 'claimed', run: own } };",
    replace: 'void own;',
  },
  {
    name: 'token-of-the-task',
    breaks: 'The fencing token is that of the version which holds the claim',
    rules: ['tokens'],
    file: store,
    find: '(decided.skips ?? []) : [], token: entry.token }',
    replace: '(decided.skips ?? []) : [], token: BigInt(this.known.get(key)?.state.task ?? 0) }',
  },
  {
    name: 'claim-creates-the-unit',
    open: 'nodes that are frozen or deaf over a whole purge and claim after it',
    breaks: 'A claim replaces the state of a unit, it never brings one into being',
    rules: ['settled'],
    file: store,
    find: 'const state = this.remember(key, current)?.state; decided',
    replace: `const state = this.remember(key, current)?.state ?? { cursor: 0, task: '0', runs: [], seq: 0, counters: {} };
          decided`,
  },
  {
    name: 'slot-leaks',
    open: 'a rule that counts slots in peace: healing gives every node a thousand of them',
    breaks: 'A node gives back the slot of a claim that it did not get',
    rules: ['prompt', 'settled'],
    file: 'lib/core/scheduler/claimer.ts',
    find: 'if (!isTaken) {\n        slots.give();',
    replace: 'if (!isTaken) {',
  },
];
