import { isLive } from '../../../core/task/task-definition.js';
import { keys } from '../../../core/registry/keyspace.js';
import type { Rule } from '../rule.js';
import { newRuns } from '../unit-change.js';
import type { World } from '../world.js';

const HALTS = new Set(['pauseTask', 'cancelTask', 'deleteTask', 'purgeTask']);
const GOES_ON = new Set(['resumeTask', 'restoreTask', 'putTask', 'addTask', 'deploy', 'updateSchedule']);
/** Beside the resync: reading the list, and starting what was claimed. */
const RESYNC_SLACK_MS = 5_000;
/** A change that is not answered is tried again for so long. */
const ADMIN_PATIENCE_MS = 30_000;

/** What is asked of a run, or only asked, changes no task. */
const CHANGES = /^(?!cancelRun|runTask|retryRun|get|plan)/;

interface Asked {
  task: string;
  what: string;
  process: string;
  at: number;
  /** Of the task as it stood when this was asked for, or as the asker wrote it since. */
  token: bigint;
  written: boolean;
}

/** From the moment a change of a task is acknowledged, no claim is granted under what the task was before it. */
export function definition(world: World): Rule {
  const asked = new Map<number, Asked>();
  const acknowledged = new Map<string, bigint>();
  const halted = new Map<string, number>();
  return {
    name: 'definition',
    entry(entry) {
      if (entry.type === 'data-loss') for (const map of [asked, acknowledged, halted]) map.clear();
      if (entry.type === 'ask' && CHANGES.test(entry.what)) {
        const { id, task, what, process } = entry;
        asked.set(id, { task, what, process, at: entry.at, token: world.tasks.get(task)?.token ?? 0n, written: false });
        if (GOES_ON.has(what)) halted.delete(task);
      }
      if (entry.type === 'write' && entry.key.startsWith(keys.tasks))
        noteWrite(entry.key.slice(keys.tasks.length), entry);
      if (entry.type !== 'answer') return;
      const question = asked.get(entry.id);
      if (!question || entry.how === 'unknown') return; // it may still be done: it stays asked
      asked.delete(entry.id);
      if (entry.how !== 'done') return;
      const { task, token, what } = question;
      if (token > (acknowledged.get(task) ?? 0n)) acknowledged.set(task, token);
      const pending = ({ process, at }: Asked): boolean =>
        !world.suffers(process, 'kill') && entry.at - at < ADMIN_PATIENCE_MS + world.options.writeDelayMs;
      const revived = [...asked.values()].some(
        (other) => other.task === task && GOES_ON.has(other.what) && (other.what === 'deploy' || pending(other)),
      );
      if (HALTS.has(what) && !revived && world.tasks.get(task)?.doc.state !== 'active') halted.set(task, entry.at);
    },
    *unit({ key, task, before, after }) {
      if (!after || !before) return;
      for (const run of newRuns(before, after)) {
        const version = world.versionOf(task, after.task);
        if (!version) continue;
        const { doc, token } = version;
        if (run.trigger !== 'recovery' && run.attempt === 1 && token < (acknowledged.get(task) ?? 0n))
          yield `run ${run.id} of ${key} was claimed under version ${token} of the task, after ${acknowledged.get(task)} had been acknowledged`;
        const isAskedFor = run.tick === undefined || run.again !== undefined;
        if (!isAskedFor && run.trigger !== 'recovery' && run.attempt === 1 && doc.state !== 'active')
          yield `run ${run.id} of ${key} was claimed while the task was ${doc.state}`;
        if (run.trigger === 'start' && doc.state !== 'active')
          yield `run ${run.id} of ${key} was claimed for a start while the task was ${doc.state}`;
        if (isAskedFor && !isLive(doc)) yield `run ${run.id} of ${key} was claimed of a task that is ${doc.state}`;
      }
    },
    *start({ unit, task, tick, runId, at, process, trigger }) {
      const since = halted.get(task);
      if (world.calls.ofRun(runId).at(-1)?.start.process === process) return; // a further attempt of a run that goes on
      const origin = world.origins.get(runId);
      const isOfTask = origin?.again === undefined && (tick !== undefined || (origin?.trigger ?? trigger) === 'start');
      if (since === undefined || !isOfTask || at <= since + world.options.resyncMs + RESYNC_SLACK_MS) return;
      yield `run ${runId} of "${unit}" was started on ${process} ${at - since} ms after its task had been halted`;
    },
  };

  function noteWrite(task: string, { process, token }: { process?: string; token: string }): void {
    // a node that is late to notice a loss of data writes back what others have removed since
    if (world.lossAt > -Infinity && !world.tasks.has(task)) halted.delete(task);
    for (const question of asked.values()) {
      if (question.task !== task || question.process !== process || question.written) continue;
      question.token = BigInt(token);
      question.written = true;
    }
  }
}
