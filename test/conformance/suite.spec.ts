import { describe, expect, it } from '@jest/globals';
import { MemoryRegistry } from '../../lib/adapters/memory/memory-registry.js';
import { MemoryStore } from '../../lib/adapters/memory/memory-store.js';
import { systemClock } from '../../lib/core/common/clock.js';
import type { Change, Entry, Registry, Write, WriteResult } from '../../lib/core/registry/registry.js';
import { describeRegistryConformance } from '../../lib/testing/conformance/conformance.js';

/**
 * Registries with one fault each. The suite is only worth something if every one of them fails in it, on the rung that
 * is about the promise it breaks.
 */
const FAULTS: Record<string, { rung: string; break: (registry: Registry) => Partial<Registry> }> = {
  'ignores conditions': {
    rung: 'conditions',
    break: (r) => ({ commit: (writes) => r.commit(writes.map((write) => without(write, 'if'))) }),
  },
  'does not tell what made a condition fail': {
    rung: 'conditions',
    break: (r) => ({ commit: async (writes) => (await r.commit(writes)).map((x) => (x.ok ? x : { ok: false })) }),
  },
  'decides a conditional write on what it read before': {
    rung: 'race',
    break: (r) => ({ commit: (writes) => Promise.all(writes.map((write) => readThenWrite(r, write))) }),
  },
  'reads what was there at the read before': {
    rung: 'linearizability',
    break: (r) => {
      const before = new Map<string, Entry | undefined>();
      return {
        get: async (key) => {
          const now = await r.get(key);
          const seen = before.has(key) ? before.get(key) : now;
          before.set(key, now);
          return seen;
        },
      };
    },
  },
  'drops the last entry of a page': {
    rung: 'documents',
    break: (r) => ({
      list: async (prefix, page) => {
        const { entries, next } = await r.list(prefix, page);
        return next === undefined ? { entries } : { entries: entries.slice(0, -1), next };
      },
    }),
  },
  'answers a batch out of order': {
    rung: 'batches',
    break: (r) => ({ commit: async (writes) => (await r.commit(writes)).reverse() }),
  },
  'stops a batch at the first failure': {
    rung: 'batches',
    break: (r) => ({
      commit: async (writes) => {
        const results: WriteResult[] = [];
        for (const write of writes) {
          const failed = results.some(({ ok }) => !ok);
          results.push(failed ? { ok: false } : (await r.commit([write]))[0]!);
        }
        return results;
      },
    }),
  },
  'leaves the documents of an ended session': {
    rung: 'sessions',
    break: (r) => ({ commit: (writes) => r.commit(writes.map((write) => without(write, 'session'))) }),
  },
  'tells no deletions': { rung: 'watches', break: (r) => onlyTold(r, ({ type }) => type !== 'deleted') },
  'tells some changes only': { rung: 'watches', break: (r) => onlyTold(r, () => ++told % 20 !== 0) },
  'gives one token to every write': {
    rung: 'tokens',
    break: (r) => ({ commit: async (writes) => (await r.commit(writes)).map((x) => (x.ok ? { ...x, token: 1n } : x)) }),
  },
};

let told = 0;

function without(write: Write, part: 'if' | 'session'): Write {
  const rest = { ...write };
  delete rest[part];
  return rest;
}

function onlyTold(registry: Registry, want: (change: Change) => boolean): Partial<Registry> {
  return { watch: (prefix, listener) => registry.watch(prefix, (change) => want(change) && listener(change)) };
}

async function readThenWrite(registry: Registry, write: Write): Promise<WriteResult> {
  const current = await registry.get(write.key);
  const holds = write.if === undefined || (write.if === 'absent' ? !current : current?.revision === write.if);
  if (!holds) return current ? { ok: false, current } : { ok: false };
  return (await registry.commit([without(write, 'if')]))[0]!;
}

/** Runs one rung with a runner of our own and says how many of its tests fail. */
async function failuresOf(rung: string, create: () => Registry): Promise<string[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  let isWanted = false;
  describeRegistryConformance(
    {
      describe: (name, body) => {
        isWanted = name === rung;
        body();
      },
      it: (name, body) => isWanted && tests.push({ name, body }),
      expect,
    },
    { name: 'broken', create },
  );
  const outcomes = tests.map(({ name, body }) =>
    body().then(
      () => [],
      () => [name],
    ),
  );
  return (await Promise.all(outcomes)).flat();
}

async function tryOut({
  rung,
  break: broken,
}: (typeof FAULTS)[string]): Promise<{ sound: string[]; broken: string[] }> {
  const store = new MemoryStore(systemClock);
  const create = (): MemoryRegistry => new MemoryRegistry({ store });
  const [sound, failed] = await Promise.all([
    failuresOf(rung, create),
    failuresOf(rung, () => Object.assign(create(), broken(create()))),
  ]);
  return { sound, broken: failed };
}

describe('the conformance suite', () => {
  // All at once: a test that fails waits for its bound.
  const trials = Object.entries(FAULTS).map(([name, fault]) => ({ name, trial: tryOut(fault) }));

  it.each(trials)(
    'fails a registry that $name, and not the same one without it',
    async ({ trial }) => {
      const { sound, broken } = await trial;
      expect(sound).toEqual([]);
      expect(broken).not.toEqual([]);
    },
    60_000,
  );
});
