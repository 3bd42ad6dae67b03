// The laws of the house, checked on every lint: node .ci/laws.mjs [root]
// This page is the table; .ci/laws/ holds the checks. CONTRIBUTING.md says why the laws are what they are.
import { resolve } from 'node:path';
import { checkClock } from './laws/clock.mjs';
import { checkCycles, checkImports, checkLazyPeers } from './laws/imports.mjs';
import { checkPlaces } from './laws/places.mjs';
import { checkSizes, describeSizes } from './laws/sizes.mjs';
import { readLibrary } from './laws/source.mjs';

export const table = {
  // A folder of core imports itself and folders of earlier rows, never one of its own row.
  ranks: [
    ['common'],
    ['schedule', 'assignment', 'registry'],
    ['task'],
    ['cluster', 'events'],
    ['execution', 'history', 'remote'],
    ['scheduler'],
    ['service'],
  ],

  // Who may import which folders of lib, and which packages. The first folder that matches counts; a folder may always
  // import itself (in core: by rank) and Node's own modules. 'declared' is whatever package.json lists for users.
  layers: [
    { folder: 'core', folders: [], packages: ['cron-parser', 'cronstrue', 'rxjs'] },
    { folder: 'adapters/memory', folders: ['core/common', 'core/registry'], packages: [] },
    { folder: 'adapters/redis', folders: ['core/common', 'core/registry'], packages: ['ioredis'] },
    {
      folder: 'adapters/etcd',
      folders: ['core/common', 'core/registry'],
      packages: ['@grpc/grpc-js', '@grpc/proto-loader'],
    },
    { folder: 'adapters/zookeeper', folders: ['core/common', 'core/registry'], packages: [] },
    { folder: 'adapters/consul', folders: ['core/common', 'core/registry'], packages: ['undici'] },
    {
      folder: 'telemetry',
      folders: ['core/common', 'core/events', 'core/execution'],
      packages: ['rxjs', 'prom-client', '@opentelemetry/api'],
    },
    { folder: 'nest', folders: ['core', 'adapters', 'telemetry'], packages: 'declared' },
    { folder: 'testing', folders: ['core', 'adapters', 'telemetry', 'nest'], packages: 'declared' },
    { folder: 'index.ts', folders: ['core', 'adapters', 'telemetry', 'nest'], packages: 'declared' },
  ],
  strangers: ['nest/health', 'nest/http', 'nest/console'], // never import each other
  nestFolders: ['nest', 'testing'], // the only places for @nestjs/*
  lazily: { from: 'nest', to: 'adapters', except: 'adapters/memory' }, // by `await import()` or `import type` only
  indexFiles: ['index.ts', 'testing/index.ts'], // the public entries, imported by nobody in lib
  testRunners: ['@jest/globals', 'jest', 'vitest', 'mocha', 'chai', 'ava', 'node:test'], // nowhere in lib

  // Real time and chance enter in these files; everything else is handed a clock or a generator.
  clockFiles: [
    { files: /^core\/common\/clock[^/]*\.ts$/, because: 'the one door to real time' },
    {
      files: /^testing\/(.+\/)?virtual-clock\.ts$/,
      because: 'stands in for real time and must compare itself with it',
    },
    { files: /^testing\/(.+\/)?real-time\.ts$/, because: 'bounds the waits of suites that run against real servers' },
  ],
  chanceFolder: 'core/common/',

  // Lines per file of lib. The goals are reported, the limit is law.
  sizes: { limit: 350, medianGoal: 60, p90Goal: 200 },
};

export function checkLaws(root) {
  const library = readLibrary(root);
  const checks = [checkImports, checkCycles, checkLazyPeers, checkClock, checkSizes, checkPlaces];
  return { library, violations: checks.flatMap((check) => check(library, table)) };
}

if (process.argv[1] === import.meta.filename) {
  const { library, violations } = checkLaws(resolve(process.argv[2] ?? '.'));
  for (const { file, line, rule, message } of violations) console.log(`${file}:${line}  ${rule}: ${message}`);
  console.log(describeSizes(library, table));
  console.log(violations.length === 0 ? 'No law is broken.' : `${violations.length} broken law(s).`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
