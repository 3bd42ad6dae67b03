// npm run bench -- <scenario> [options]: runs one scenario of bench/ from source, or `all` of docs/performance.md.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, installIn } from './bootstrap.mjs';
import { root, runTypeScript } from './process.mjs';

const [scenario = '', ...options] = process.argv.slice(2);
const scenarios = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('-worker.ts'))
  .map((file) => file.slice(0, -3));
if (scenarios.includes(scenario)) {
  await bootstrap();
  await installIn('bench', 'what is compared');
  runTypeScript(`bench/${scenario}.ts`, options);
} else {
  console.error(`Usage: npm run bench -- <scenario>   Scenarios: ${scenarios.join(', ')}`);
  process.exitCode = 1;
}
