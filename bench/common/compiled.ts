import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = new URL('../../', import.meta.url);

/**
 * A worker as an application runs it: compiled beforehand, with the library as it is published, file by file. It imports
 * the library by its name.
 */
export async function compiled(worker: URL): Promise<URL> {
  const building = spawn(process.execPath, ['.ci/build.mjs'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(building, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm run build ended with code ${code}`);
  const outfile = new URL(`bench/.cache/${basename(worker.pathname, '.ts')}.mjs`, ROOT);
  await build({
    entryPoints: [fileURLToPath(worker)],
    outfile: fileURLToPath(outfile),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [published],
    logLevel: 'warning',
  });
  return outfile;
}

const published: Plugin = {
  name: 'the library as it is published',
  setup(resolver) {
    const path = pathToFileURL(fileURLToPath(new URL('dist/index.js', ROOT))).href;
    resolver.onResolve({ filter: /^nestjs-distributed-schedule$/ }, () => ({ path, external: true }));
  },
};
