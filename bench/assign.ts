/**
 * npm run bench -- assign [--units 100000] [--nodes 3,10,100] [--rounds 5] [--json] [--write]
 *
 * So many units on so many nodes: how long that takes, how even it is, and how many move when a node joins or leaves; by
 * each of our strategies and by what else one would take. Then the same as a node of the cluster meets it, from its
 * replica of the tasks to the units it owns or stands by for. Rounds differ in the names of the nodes; the first is
 * thrown away.
 */
import { parseArgs } from 'node:util';
import { DEFAULT_STRATEGY, STRATEGIES } from '../lib/core/assignment/strategy-table.js';
import { contestants } from './assign/contestants.js';
import { catalogOf, changeOn, type NodeChange } from './assign/node-change.js';
import { share, type Sharing } from './assign/sharing.js';
import { publish, type Goal } from './common/report.js';
import { short, spreadOf, type Spread } from './common/statistics.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    units: { type: 'string', default: '100000' },
    nodes: { type: 'string', default: '3,10,100' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const rounds = Number(values.rounds);
const clusters = values.nodes.split(',').map(Number);
const names = Array.from({ length: Number(values.units) }, (_, i) => `report:tenant-${i}`);

interface Measured<T> {
  readonly name: string;
  readonly ours: boolean;
  readonly nodes: number;
  readonly rounds: T[];
}

/** Everybody in turn, round after round, so that whatever else the machine does meets all of them. */
function interleaved<C extends { name: string; ours: boolean }, T>(
  all: readonly C[],
  measure: (contestant: C, nodes: number, round: number) => T,
): Measured<T>[] {
  const table = clusters.flatMap((nodes) =>
    all.map((contestant) => ({
      contestant,
      measured: { name: contestant.name, ours: contestant.ours, nodes, rounds: [] as T[] },
    })),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const { contestant, measured } of table) {
      const figures = measure(contestant, measured.nodes, round);
      if (round > 0) measured.rounds.push(figures);
    }
    console.error(round === 0 ? 'warm' : `round ${round} of ${rounds}`);
  }
  return table.map(({ measured }) => measured);
}

const sharings = interleaved(await contestants(), (contestant, nodes, round) => share(contestant, names, nodes, round));
const catalog = catalogOf(names);
const strategies = Object.values(STRATEGIES).map((strategy) => ({ name: strategy.name, ours: true, strategy }));
const changes = interleaved(strategies, ({ strategy }, nodes, round) => changeOn(catalog, strategy, nodes, round));

const figure = <T>({ rounds }: Measured<T>, name: keyof T): Spread =>
  spreadOf(rounds.map((round) => round[name] as number));

/** Goals are those of the default strategy; where a figure has two sides, of the worse one. */
function atMost<T>(goal: string, most: number, measured: readonly Measured<T>[], ...of: (keyof T)[]): Goal {
  const reached = measured
    .filter(({ name }) => name === DEFAULT_STRATEGY)
    .map((own) => ({ nodes: own.nodes, worst: Math.max(...of.map((name) => figure(own, name).median)) }));
  return {
    goal,
    reached: reached.map(({ nodes, worst }) => `${short(worst)} on ${nodes}`).join(', '),
    met: reached.every(({ worst }) => worst <= most),
  };
}

/** Without a limit to the load only what must move does; what that does to the load was measured, too. */
function movement(): Goal {
  const goal = atMost('movement on join and leave ≤ 1.05 × K/n', 1.05, sharings, 'movedOnJoin', 'movedOnLeave');
  const free = sharings.find(({ name, nodes }) => name === 'weighted' && nodes === largest)!;
  const [moved, load] = [figure(free, 'movedOnJoin').median, figure(free, 'balance').median];
  const because = `a limit to the load moves units of full nodes as well; ours by weight, which has none, moves ${short(moved)} on ${largest} nodes, with ${short(load)} × the mean on the busiest`;
  return goal.met ? goal : { ...goal, because };
}

const largest = Math.max(...clusters);
const count = names.length.toLocaleString('en');

await publish(
  {
    scenario: 'assign',
    tables: [
      {
        title: `${count} units shared out`,
        rows: sharings.map((own) => ({
          nodes: own.nodes,
          'shared out by': own.ours ? `ours: ${own.name}` : own.name,
          ms: figure<Sharing>(own, 'assignMs'),
          'busiest ÷ mean': figure<Sharing>(own, 'balance'),
          'moved on join ÷ ideal': figure<Sharing>(own, 'movedOnJoin'),
          'moved on leave ÷ ideal': figure<Sharing>(own, 'movedOnLeave'),
        })),
        chart: {
          label: ['shared out by', 'nodes'],
          value: 'moved on join ÷ ideal',
          isOurs: ({ 'shared out by': name }) => typeof name === 'string' && name.startsWith('ours'),
        },
      },
      {
        title: `A membership change on one node, with its standbys: ${count} tasks`,
        rows: changes.map((own) => ({
          nodes: own.nodes,
          strategy: own.name,
          'join ms': figure<NodeChange>(own, 'joinMs'),
          'leave ms': figure<NodeChange>(own, 'leaveMs'),
        })),
      },
    ],
    goals: [
      atMost('busiest ≤ 1.05 × the mean', 1.05, sharings, 'balance'),
      movement(),
      atMost(
        `a change of ${largest} nodes takes ≤ 50 ms`,
        50,
        changes.filter(({ nodes }) => nodes === largest),
        'joinMs',
        'leaveMs',
      ),
    ],
    notes: [
      `Goals are those of the default, ${DEFAULT_STRATEGY}. Ideal is the share of the node that joins or leaves.`,
    ],
  },
  values,
);
