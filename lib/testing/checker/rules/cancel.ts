import type { AnswerEntry, AskEntry } from '../log.js';
import type { Call } from '../calls.js';
import type { Rule } from '../rule.js';
import { cancelledRun } from '../told.js';
import type { World } from '../world.js';

/** In quiet a run that is cancelled is told so soon, wherever it runs. */
const TOLD_MS = 1_500;
/** What joined or left a moment ago may not be heard of yet. */
const HEARD_MS = 5_000;

/** A run that somebody has cancelled, on whatever node, is told to end; who is told that it was done can rely on it. */
export function cancel(world: World): Rule {
  const asked = new Map<number, AskEntry>();
  return {
    name: 'cancel',
    *entry(entry) {
      if (entry.type === 'ask' && cancelledRun(entry.what) !== undefined) asked.set(entry.id, entry);
      if (entry.type === 'answer') yield* answerProblems(entry);
      if (!world.isQuiet(HEARD_MS)) return;
      for (const [id, question] of asked) {
        if (entry.at - Math.max(question.at, world.quietSince) <= TOLD_MS) continue;
        asked.delete(id);
        yield* lateness(question, entry.at);
      }
    },
  };

  function* answerProblems({ id, how }: AnswerEntry): Iterable<string> {
    const question = asked.get(id);
    if (!question || how === 'unknown') return;
    asked.delete(id);
    const call = unheard(question);
    const isHolder = call && world.grants.get(call.start.runId)?.process === call.start.process;
    if (call && how === 'done' && isHolder)
      yield `run ${call.start.runId} of "${question.task}" was cancelled on ${question.process}, and its handler on ${call.start.process} was not told to end`;
    else if (call && how === 'refused') yield* lateness(question, Infinity);
  }

  /** Where both nodes are at work, and the asker could know where the run is. */
  function* lateness(question: AskEntry, now: number): Iterable<string> {
    const call = unheard(question);
    const knownSince = question.at - world.options.resyncMs; // who joined through a lagging member knows of all tasks by then
    if (!call || !world.isQuiet(HEARD_MS) || !isSettled(question.process, knownSince)) return;
    const { process, runId } = call.start;
    const grant = world.grants.get(runId);
    const run = grant && world.units.get(grant.unitKey)?.runs.find(({ id }) => id === runId);
    if (!run || grant.process !== process || !isSettled(process, question.at)) return;
    const since = now === Infinity ? 'was refused' : `has gone unheard for ${now - question.at} ms`;
    yield `the request on ${question.process} to cancel run ${runId} of "${question.task}" ${since}, and its handler goes on on ${process}`;
  }

  function isSettled(process: string, at: number): boolean {
    const node = world.nodes.get(process.split('~', 1)[0]!);
    return node !== undefined && node.record.status === 'working' && node.since <= at - HEARD_MS;
  }

  /** The call of the run that has not been told to end. */
  function unheard({ what, at }: AskEntry): Call | undefined {
    return world.calls
      .ofRun(cancelledRun(what)!)
      .findLast(
        ({ start, how, aborted, disowned }) =>
          !how && !aborted && !disowned && start.at <= at && !world.suffers(start.process, 'kill'),
      );
  }
}
