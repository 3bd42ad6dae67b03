import { afterAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

type Files = Record<string, string>;

const scratch = mkdtempSync(join(tmpdir(), 'laws-'));
let trees = 0;
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const manifest = JSON.stringify({
  name: 'nestjs-distributed-schedule',
  dependencies: { 'cron-parser': '^5' },
  peerDependencies: { '@nestjs/common': '^12', ioredis: '^6', rxjs: '^7' },
  peerDependenciesMeta: { ioredis: { optional: true } },
  devDependencies: { jest: '^30' },
});

/** Runs the real script, as lint does, on a small repository made for the purpose. */
function laws(files: Files): { code: number | null; output: string } {
  const root = join(scratch, String(trees++));
  for (const [path, text] of Object.entries({ 'package.json': manifest, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/laws.mjs', root], { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

const imports = (specifier: string): string => `import { x } from '${specifier}';\nexport const y = x;\n`;

/** [what is wrong, files, where it is reported, the rule it names] */
const broken: [string, Files, string, string][] = [
  ['a higher rank', { 'lib/core/schedule/a.ts': imports('../task/b.js') }, 'lib/core/schedule/a.ts:1', 'import-law'],
  [
    'a sibling rank',
    { 'lib/core/schedule/a.ts': imports('../registry/b.js') },
    'lib/core/schedule/a.ts:1',
    'import-law',
  ],
  [
    'a folder without a rank',
    { 'lib/core/extras/a.ts': imports('../common/b.js') },
    'lib/core/extras/a.ts:1',
    'import-law',
  ],
  [
    'core to an adapter',
    { 'lib/core/task/a.ts': imports('../../adapters/memory/b.js') },
    'lib/core/task/a.ts:1',
    'import-law',
  ],
  ['core to nest', { 'lib/core/task/a.ts': imports('../../nest/b.js') }, 'lib/core/task/a.ts:1', 'import-law'],
  [
    'a type import',
    { 'lib/core/common/a.ts': `\nimport type { X } from '../task/b.js';` },
    'lib/core/common/a.ts:2',
    'import-law',
  ],
  [
    'an inline type',
    { 'lib/core/common/a.ts': `export type X = import('../task/b.js').X;` },
    'lib/core/common/a.ts:1',
    'import-law',
  ],
  [
    'a dynamic import',
    { 'lib/core/common/a.ts': `await import('../task/b.js');` },
    'lib/core/common/a.ts:1',
    'import-law',
  ],
  [
    'an export from',
    { 'lib/core/common/a.ts': `export { x } from '../task/b.js';` },
    'lib/core/common/a.ts:1',
    'import-law',
  ],
  [
    'an export of all',
    { 'lib/core/common/a.ts': `export * from '../task/b.js';` },
    'lib/core/common/a.ts:1',
    'import-law',
  ],
  [
    'an import for its effect',
    { 'lib/core/common/a.ts': `import '../task/b.js';` },
    'lib/core/common/a.ts:1',
    'import-law',
  ],
  [
    'an import over several lines',
    { 'lib/core/common/a.ts': `import {\n  x,\n  type Y as Z,\n} from '../task/b.js';` },
    'lib/core/common/a.ts:4',
    'import-law',
  ],
  ['a package in core', { 'lib/core/task/a.ts': imports('ioredis') }, 'lib/core/task/a.ts:1', 'import-law'],
  ['Nest in core', { 'lib/core/task/a.ts': imports('@nestjs/common') }, 'lib/core/task/a.ts:1', 'import-law'],
  [
    'Nest in an adapter',
    { 'lib/adapters/redis/a.ts': imports('@nestjs/common') },
    'lib/adapters/redis/a.ts:1',
    'import-law',
  ],
  ['a builtin without node:', { 'lib/core/task/a.ts': imports('crypto') }, 'lib/core/task/a.ts:1', 'import-law'],
  [
    'adapter to core/task',
    { 'lib/adapters/redis/a.ts': imports('../../core/task/b.js') },
    'lib/adapters/redis/a.ts:1',
    'import-law',
  ],
  [
    'adapter to adapter',
    { 'lib/adapters/redis/a.ts': imports('../memory/b.js') },
    'lib/adapters/redis/a.ts:1',
    'import-law',
  ],
  [
    "another adapter's client",
    { 'lib/adapters/memory/a.ts': imports('ioredis') },
    'lib/adapters/memory/a.ts:1',
    'import-law',
  ],
  [
    'telemetry to the scheduler',
    { 'lib/telemetry/a.ts': imports('../core/scheduler/b.js') },
    'lib/telemetry/a.ts:1',
    'import-law',
  ],
  ['nest to testing', { 'lib/nest/a.ts': imports('../testing/b.js') }, 'lib/nest/a.ts:1', 'import-law'],
  ['nest siblings', { 'lib/nest/http/a.ts': imports('../console/b.js') }, 'lib/nest/http/a.ts:1', 'import-law'],
  [
    'nest to an adapter, eagerly',
    { 'lib/nest/a.ts': imports('../adapters/redis/b.js') },
    'lib/nest/a.ts:1',
    'import-law',
  ],
  ['a package users do not get', { 'lib/nest/a.ts': imports('lodash') }, 'lib/nest/a.ts:1', 'import-law'],
  ['a file outside lib', { 'lib/nest/a.ts': imports('../../test/b.js') }, 'lib/nest/a.ts:1', 'import-law'],
  ['itself by name', { 'lib/nest/a.ts': imports('nestjs-distributed-schedule') }, 'lib/nest/a.ts:1', 'import-law'],
  ['a folder no layer knows', { 'lib/helpers/a.ts': '' }, 'lib/helpers/a.ts:1', 'import-law'],
  ['a test runner', { 'lib/testing/a.ts': imports('@jest/globals') }, 'lib/testing/a.ts:1', 'test-runner'],
  ["Node's test runner", { 'lib/testing/a.ts': imports('node:test') }, 'lib/testing/a.ts:1', 'test-runner'],
  ['an inner index', { 'lib/nest/http/index.ts': '' }, 'lib/nest/http/index.ts:1', 'inner-index'],
  [
    'an import of an inner index',
    { 'lib/nest/a.ts': imports('../core/task/index.js') },
    'lib/nest/a.ts:1',
    'inner-index',
  ],
  ['an import of the entry', { 'lib/nest/a.ts': imports('../index.js') }, 'lib/nest/a.ts:1', 'inner-index'],
  [
    'a circle through a type import',
    {
      'lib/core/task/a.ts': imports('./b.js'),
      'lib/core/task/b.ts': imports('./c.js'),
      'lib/core/task/c.ts': `import type { y } from './a.js';`,
    },
    'lib/core/task/c.ts:1',
    'import-cycle: core/task/a.ts -> core/task/b.ts -> core/task/c.ts -> core/task/a.ts',
  ],
  [
    'an optional peer behind the entry',
    { 'lib/index.ts': `export * from './adapters/redis/a.js';`, 'lib/adapters/redis/a.ts': imports('ioredis') },
    'lib/adapters/redis/a.ts:1',
    'lazy-peer',
  ],
  ['Date.now', { 'lib/core/task/a.ts': `\n\nconst t = Date.now();` }, 'lib/core/task/a.ts:3', 'clock: Date.now'],
  ['new Date()', { 'lib/nest/a.ts': 'const t = new Date();' }, 'lib/nest/a.ts:1', 'clock: new Date()'],
  ['new Date', { 'lib/nest/a.ts': 'const t = new Date;' }, 'lib/nest/a.ts:1', 'clock: new Date()'],
  [
    'a time in a template',
    { 'lib/nest/a.ts': 'const t = `it is ${new Date( )}`;' },
    'lib/nest/a.ts:1',
    'clock: new Date()',
  ],
  ['Date()', { 'lib/nest/a.ts': 'const t = Date();' }, 'lib/nest/a.ts:1', 'clock: Date()'],
  ['performance.now', { 'lib/nest/a.ts': 'const t = performance.now();' }, 'lib/nest/a.ts:1', 'clock: performance.now'],
  [
    'process.hrtime',
    { 'lib/nest/a.ts': 'const t = process.hrtime.bigint();' },
    'lib/nest/a.ts:1',
    'clock: process.hrtime',
  ],
  ['setTimeout', { 'lib/core/task/a.ts': 'setTimeout(() => {}, 1);' }, 'lib/core/task/a.ts:1', 'clock: a timer'],
  ['setInterval', { 'lib/core/task/a.ts': 'const later = setInterval;' }, 'lib/core/task/a.ts:1', 'clock: a timer'],
  ['setImmediate', { 'lib/core/task/a.ts': 'globalThis.setImmediate(f);' }, 'lib/core/task/a.ts:1', 'clock: a timer'],
  [
    'AbortSignal.timeout',
    { 'lib/nest/a.ts': 'AbortSignal.timeout(5);' },
    'lib/nest/a.ts:1',
    'clock: AbortSignal.timeout',
  ],
  [
    'timers/promises',
    { 'lib/nest/a.ts': imports('node:timers/promises') },
    'lib/nest/a.ts:1',
    'clock: node:timers/promises',
  ],
  [
    'an operator with a timer',
    { 'lib/nest/a.ts': `import { map, timer } from 'rxjs';` },
    'lib/nest/a.ts:1',
    'clock: timer',
  ],
  ['a timer in a test kit', { 'lib/testing/a.ts': 'setTimeout(f, 1);' }, 'lib/testing/a.ts:1', 'clock: a timer'],
  ['Math.random', { 'lib/core/task/a.ts': 'Math.random();' }, 'lib/core/task/a.ts:1', 'chance: Math.random'],
  ['a random id in core', { 'lib/core/task/a.ts': 'randomUUID();' }, 'lib/core/task/a.ts:1', 'chance: randomness'],
  ['a long file', { 'lib/core/task/a.ts': '\n'.repeat(351) }, 'lib/core/task/a.ts:351', 'file-size: 351 lines'],
  [
    'a long script',
    { 'lib/adapters/redis/a.lua': '\n'.repeat(400) },
    'lib/adapters/redis/a.lua:351',
    'file-size: 400 lines',
  ],
  [
    'a registry in the lockfile',
    { 'package-lock.json': `{\n"resolved": "https://registry.example/a.tgz"\n}` },
    'package-lock.json:2',
    'lockfile-host',
  ],
  ['a registry in .npmrc', { '.npmrc': 'registry=x' }, '.npmrc:1', 'lockfile-host'],
  ["a developer's path", { 'docs/a.md': `see ${['', 'home', 'jo', 'code'].join('/')}` }, 'docs/a.md:1', 'machine-path'],
  ["this user's path", { 'docs/a.md': `see "${homedir()}/x"` }, 'docs/a.md:1', 'machine-path'],
];

describe('the laws of the house', () => {
  it.each(broken)('refuse %s', (_what, files, place, rule) => {
    const { code, output } = laws(files);
    expect(output).toContain(`${place}  ${rule}`);
    expect(output).toContain('1 broken law(s).');
    expect(code).toBe(1);
  });

  it('allow what the architecture draws', () => {
    const { code, output } = laws({
      'lib/index.ts': `export { A } from './core/task/task.js';\nexport { B } from './nest/module.js';`,
      'lib/core/common/clock.ts': 'export const now = () => Date.now();\nsetTimeout(() => {}, 1);',
      'lib/core/common/ids.ts': `import { randomUUID } from 'node:crypto';\nMath.random();`,
      'lib/core/schedule/cron.ts': `import { CronExpressionParser } from 'cron-parser';\nimport '../common/clock.js';`,
      'lib/core/task/task.ts': `import type { C } from '../schedule/cron.js';\nimport { D } from './definition.js';`,
      'lib/core/task/definition.ts': `import { EMPTY, map } from 'rxjs';\nimport '../common/ids.js';`,
      'lib/adapters/redis/registry.ts': `import type { Redis } from 'ioredis';\nconst r = () => import('ioredis');\nimport net from 'node:net';`,
      'lib/adapters/memory/registry.ts': `import '../../core/registry/registry.js';\nimport '../../core/common/clock.js';`,
      'lib/telemetry/diagnostics.ts': `import '../core/events/hub.js';\nimport { channel } from 'node:diagnostics_channel';`,
      'lib/nest/module.ts': `import { Module } from '@nestjs/common';\nimport '../adapters/memory/registry.js';\nconst r = () => import('../adapters/redis/registry.js');`,
      'lib/nest/http/routes.ts': `import './more.js';\nimport '../module.js';`,
      'lib/testing/index.ts': `export * from './harness.js';`,
      'lib/testing/harness.ts': `import '../nest/module.js';\nimport '../adapters/redis/registry.js';`,
      'lib/testing/virtual-clock.ts': 'setImmediate(() => {});',
      'sample/main.ts': 'setTimeout(() => console.log(Date.now(), Math.random()), 1);',
    });
    expect(output).toContain('No law is broken.');
    expect(output).toContain('lib: 14 files, median');
    expect(code).toBe(0);
  });

  it('look at code, not at words', () => {
    const { output } = laws({
      'lib/core/task/a.ts': [
        '// Date.now() and setTimeout',
        "/* import x from '../../nest/a.js'; */",
        `const a = "Date.now()" + 'new Date()' + \`setTimeout \${1} Math.random\`;`,
        `const b = 'it\\'s'; const c = /['"\`]/.test(b) ? 4 / 2 : 1;`,
        'const d = new Date(0), e = new Date(b), f: Date = d, g = clock.setTimeout, h = x.Date.nowhere;',
        "const i = `${`${{ a: 1 }}`} import x from '../../nest/a.js'`;",
        'export interface K { from: string }',
      ].join('\n'),
    });
    expect(output).toContain('No law is broken.');
  });

  it('still see code behind words', () => {
    const { output } = laws({ 'lib/core/task/a.ts': 'const a = /[/\'"]/; const b = `\'${"\'"}`; Date.now();' });
    expect(output).toContain('clock: Date.now');
  });
});
