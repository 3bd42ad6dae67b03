// npm run bench -- <scenario> [options]: runs one scenario of bench/ from source.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { root, runTypeScript } from './process.mjs';

const [scenario = '', ...options] = process.argv.slice(2);
const scenarios = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('-worker.ts'))
  .map((file) => file.slice(0, -3));
if (scenarios.includes(scenario)) {
  await bootstrap();
  runTypeScript(`bench/${scenario}.ts`, options);
} else {
  console.error(`Usage: npm run bench -- <scenario>   Scenarios: ${scenarios.join(', ')}`);
  process.exitCode = 1;
}
