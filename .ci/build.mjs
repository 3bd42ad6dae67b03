// npm run build: dist/ anew, exactly as it is published.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { root, runNode } from './process.mjs';

await bootstrap();
rmSync(join(root, 'dist'), { recursive: true, force: true });
const { code } = await runNode(['node_modules/@typescript/native/bin/tsc', '-p', 'lib/tsconfig.build.json']);
if (code !== 0) process.exit(code);
// tsc copies TypeScript only; adapters read scripts and message formats from the folder beside their code.
for (const file of readdirSync(join(root, 'lib'), { recursive: true })) {
  if (/\.(lua|proto)$/.test(file)) cpSync(join(root, 'lib', file), join(root, 'dist', file));
}
