import { isCandidate } from '../../../core/cluster/node-record.js';
import type { Rule } from '../rule.js';
import { newRuns } from '../unit-change.js';
import type { TaskVersion, World } from '../world.js';

/** Who claims is able to run the task and is not on its way out; a one-shot task is claimed once. */
export function claimant(world: World): Rule {
  return {
    name: 'claimant',
    *unit({ key, task, before, after, entry }) {
      if (!after || entry.process === undefined) return;
      for (const run of newRuns(before, after)) {
        const node = world.nodes.get(run.node);
        if (!node || node.record.boot !== run.boot) continue;
        const { record, since } = node;
        if (record.status === 'leaving' && since < entry.at - world.options.writeDelayMs)
          yield `run ${run.id} of ${key} was claimed by ${entry.process}, which had been leaving for ${entry.at - since} ms`;
        const isAskedFor = run.tick === undefined || run.again !== undefined; // of this node
        const versions = isAskedFor ? [] : world.versionsFrom(task, after.task);
        if (versions.length === 0) continue;
        // labels are compared once more: a rule that asks only the code it judges sees none of its mistakes
        const able = ({ doc, policies }: TaskVersion): boolean =>
          isCandidate({ ...record, status: 'working' }, doc.definition, policies) &&
          Object.entries(policies.nodeSelector).every(([label, value]) => record.labels[label] === value);
        if (!versions.some(able))
          yield `run ${run.id} of ${key} was claimed by ${entry.process}, which cannot run the task`;
        const spent = ({ doc, policies }: TaskVersion): boolean =>
          policies.oneShot && before?.claimed !== undefined && before.claimed > doc.since;
        if (run.attempt === 1 && run.trigger !== 'backfill' && versions.every(spent))
          yield `run ${run.id} of ${key} is the second one of a one-shot task`;
      }
    },
  };
}
