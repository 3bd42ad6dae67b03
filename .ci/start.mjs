// npm start [-- <sample>]: runs a sample from source, by default the quick start.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { root, runTypeScript } from './process.mjs';

const sample = process.argv[2] ?? '01-quick-start';
const main = `sample/${sample}/src/main.ts`;
if (existsSync(join(root, main))) {
  await bootstrap();
  runTypeScript(main, process.argv.slice(3));
} else {
  const samples = readdirSync(join(root, 'sample')).filter((name) =>
    existsSync(join(root, 'sample', name, 'src/main.ts')),
  );
  console.error(`There is no ${main}. Samples: ${samples.join(', ') || 'none yet'}.`);
  process.exitCode = 1;
}
