import { afterEach, describe, expect, it } from '@jest/globals';
import { ChaosCluster } from './cluster.js';
import { chooseSeed, Nemesis } from './nemesis.js';
import { Operator } from './operator.js';
import { REGISTRIES } from './registries.js';
import { expectSound, print } from './soundness.js';
import { mixed, secondly, sparse } from './tasks.js';

/** Minutes of faults on each registry instead of those of the table: CHAOS_MINUTES=10 npm run test:chaos -- random */
const givenMinutes = Number(process.env['CHAOS_MINUTES'] ?? 0);
/** What passes at least in a second of faults, on a slow machine too. */
const [FAULTS_PER_S, TICKS_PER_S] = [0.4, 133];

describe.each(REGISTRIES)('Random faults on $name', (registry) => {
  const over = new AbortController();
  let cluster: ChaosCluster | undefined;
  let chaos: Promise<unknown> | undefined;

  afterEach(async () => {
    over.abort();
    await chaos?.catch(() => undefined); // the test has failed by it
    await cluster?.stop();
  });

  const forMs = givenMinutes > 0 ? givenMinutes * 60_000 : registry.randomMs;

  it(
    `faults of every kind for ${forMs / 1_000} s, among thousands of ticks, break no promise`,
    async () => {
      const seed = chooseSeed();
      print(`seed ${seed}; once more: CHAOS_SEED=${seed} npm run test:chaos -- random`, []);
      cluster = await ChaosCluster.start(registry, { nodes: 4 });
      await cluster.addTasks([...secondly(260), ...sparse(60), ...mixed(5)]);
      const nemesis = new Nemesis(cluster, { seed, every: [1_000, 2_400] });
      const operator = new Operator(cluster, 4);
      chaos = Promise.all([
        operator.run(seed, 1_500, over.signal),
        nemesis.run(forMs, over.signal).finally(() => over.abort()),
      ]);
      await chaos;
      await operator.cleanUp();
      await expectSound(cluster, `random faults, seed ${seed}`);
      expect(cluster.figures.faultCount).toBeGreaterThanOrEqual((forMs / 1_000) * FAULTS_PER_S);
      expect(cluster.figures.ticks).toBeGreaterThanOrEqual((forMs / 1_000) * TICKS_PER_S);
    },
    forMs + 210_000,
  );
});
