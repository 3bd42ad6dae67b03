// npm run lint: formatting, types, oxlint and the laws of the house. All run, so that one go shows everything.
import { bootstrap } from './bootstrap.mjs';
import { runNode } from './process.mjs';

const checks = [
  {
    name: 'format',
    args: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
    cure: 'npm run format',
  },
  { name: 'types', args: ['node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'oxlint', args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'laws', args: ['.ci/laws.mjs'], showAlways: true },
];

/** True when every check passed. */
export async function lint() {
  const started = performance.now();
  const results = await Promise.all(checks.map(({ args }) => runNode(args, { quiet: true })));
  checks.forEach(({ name, cure, showAlways }, index) => {
    const { code, output } = results[index];
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} lint: ${name}${code !== 0 && cure ? ` (cure: ${cure})` : ''}`);
    if (code !== 0 || showAlways) console.log(output.trimEnd().replace(/^/gm, '     '));
  });
  console.log(`lint took ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return results.every(({ code }) => code === 0);
}

if (process.argv[1] === import.meta.filename) {
  await bootstrap();
  process.exitCode = (await lint()) ? 0 : 1;
}
