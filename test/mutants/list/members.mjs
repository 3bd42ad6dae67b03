/** Who is in the cluster, who owns what, and who hears of it. */
const membership = 'lib/core/cluster/membership.ts';
const record = 'lib/core/cluster/node-record.ts';
const scheduler = 'lib/core/scheduler/scheduler.ts';

export const members = [
  {
    name: 'leaving-node-owns',
    open: 'a rolling deploy in peace, judged for promptness',
    breaks: 'A node that leaves gives its units to others at once',
    rules: ['prompt'],
    file: record,
    find: "if (node.status !== 'working') return false;",
    replace: "if (node.status === 'starting') return false;",
  },
  {
    name: 'owner-without-handler',
    breaks: 'Only nodes that have its handler own a task',
    rules: ['honest-end', 'converged'],
    file: record,
    find: 'if (!able) return false;',
    replace: 'if (!able && node.handlers.length === 0) return false;',
  },
  {
    name: 'labels-ignored',
    breaks: 'Only nodes with the labels it asks for own a task',
    rules: ['claimed', 'converged'],
    file: record,
    find: 'return Object.entries(nodeSelector).every(([label, value]) => node.labels[label] === value);',
    replace: 'return Object.entries(nodeSelector).every(([, value]) => value !== undefined);',
  },
  {
    name: 'placement-by-load',
    breaks: 'Every node computes the same owners from the same view',
    rules: ['converged', 'prompt', 'settled'],
    file: 'lib/core/scheduler/placement.ts',
    find: '.map(({ id, weight }) => ({ nodeId: id, weight }))',
    replace: '.map(({ id, weight, running }) => ({ nodeId: id, weight: weight / (1 + running) }))',
  },
  {
    name: 'status-not-placed-by',
    breaks: 'Assignment follows the status of nodes',
    rules: ['converged', 'prompt'],
    file: record,
    find: 'const relevant = ({ status, boot, handlers, groups, weight, labels, strategy }: NodeRecord): string => JSON.stringify([status, boot, handlers, groups, weight, labels, strategy]);',
    replace: `const relevant = ({ boot, handlers, groups, weight, labels, strategy }: NodeRecord): string =>
    JSON.stringify([boot, handlers, groups, weight, labels, strategy]);`,
  },
  {
    name: 'lost-node-changes-stay-lost',
    breaks: 'What a watch has lost of the nodes is made good',
    rules: ['converged', 'prompt'],
    file: membership,
    find: 'this.loadNodes().catch(() => undefined); // the next resync repairs it',
    replace: '',
    also: [
      {
        find: 'await this.publish(); await this.loadNodes(); await this.hooks.onResync();',
        replace: 'await this.publish(); await this.hooks.onResync();',
      },
    ],
  },
  {
    name: 'lost-task-changes-stay-lost',
    breaks: 'What a watch has lost of the tasks is made good',
    rules: ['converged', 'prompt', 'settled'],
    file: 'lib/core/scheduler/task-replica.ts',
    find: "const read = change.type === 'resync' ? this.load() :",
    replace: "const read = change.type === 'resync' ? Promise.resolve() :",
    also: [
      {
        file: scheduler,
        find: 'onResync: async () => { await this.replica.load();',
        replace: 'onResync: async () => {',
      },
    ],
  },
  {
    name: 'no-resync-poll',
    breaks: 'A poll repairs what nobody told of',
    rules: ['settled', 'converged'],
    file: membership,
    find: 'await this.publish(); await this.loadNodes(); await this.hooks.onResync();',
    replace: '',
  },
  {
    name: 'joined-with-a-lost-session',
    open: 'sessions that are lost while their node joins',
    breaks: 'A node whose session was lost while it joined joins again',
    rules: ['converged'],
    file: membership,
    find: 'if (this.keeper.session === session) return;',
    replace: 'if (session) return;',
  },
  {
    name: 'no-way-back',
    breaks: 'A node that has lost its session comes back',
    rules: ['converged'],
    file: membership,
    find: 'hooks.onLost(reason); this.rejoin();',
    replace: 'hooks.onLost(reason);',
  },
];
