import { afterEach, describe, expect, it } from '@jest/globals';
import { ChaosCluster } from './cluster.js';
import { chooseSeed, Nemesis } from './nemesis.js';
import { Operator } from './operator.js';
import { REGISTRIES } from './registries.js';
import { expectSound, print } from './soundness.js';
import { mixed, secondly, sparse } from './tasks.js';

const FAULTS_FOR_MS = 150_000;

describe.each(REGISTRIES)('Random faults on $name', (registry) => {
  const over = new AbortController();
  let cluster: ChaosCluster | undefined;
  let chaos: Promise<unknown> | undefined;

  afterEach(async () => {
    over.abort();
    await chaos?.catch(() => undefined); // the test has failed by it
    await cluster?.stop();
  });

  it('60 faults of every kind among 20,000 ticks break no promise', async () => {
    const seed = chooseSeed();
    print(`seed ${seed}; once more: CHAOS_SEED=${seed} npm run test:chaos -- random`, []);
    cluster = await ChaosCluster.start(registry, { nodes: 4 });
    await cluster.addTasks([...secondly(260), ...sparse(60), ...mixed(5)]);
    const nemesis = new Nemesis(cluster, { seed, every: [1_000, 2_400] });
    const operator = new Operator(cluster, 4);
    chaos = Promise.all([
      operator.run(seed, 1_500, over.signal),
      nemesis.run(FAULTS_FOR_MS, over.signal).finally(() => over.abort()),
    ]);
    await chaos;
    await operator.cleanUp();
    await expectSound(cluster, `random faults, seed ${seed}`);
    expect(cluster.figures.faultCount).toBeGreaterThanOrEqual(60);
    expect(cluster.figures.ticks).toBeGreaterThanOrEqual(20_000);
  }, 360_000);
});
