// Who may import whom: the table's layers, ranks and entries.
import { builtinModules } from 'node:module';

const inside = (path, folder) => path === folder || path.startsWith(`${folder}/`);
const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const violation = (file, { line }, message, rule = 'import-law') => ({ file: `lib/${file.path}`, line, rule, message });

export function checkImports({ files, manifest }, table) {
  return files.flatMap((file) => {
    const layer = table.layers.find(({ folder }) => inside(file.path, folder));
    if (!layer && !file.path.endsWith('.lua')) {
      return [
        violation(
          file,
          { line: 1 },
          'no layer covers this file; move it, or add its folder to the layers in .ci/laws.mjs',
        ),
      ];
    }
    const inner = file.path.endsWith('/index.ts') && !table.indexFiles.includes(file.path);
    const own = inner
      ? [violation(file, { line: 1 }, 'no inner index files; name the file after what it holds', 'inner-index')]
      : [];
    const found = file.imports.map((entry) => {
      const problem = entry.target
        ? folderProblem(file, entry, layer, table)
        : packageProblem(file, entry, layer, table, manifest);
      return problem && violation(file, entry, ...[problem].flat());
    });
    return [...own, ...found.filter(Boolean)];
  });
}

function folderProblem(file, { target, kind }, layer, table) {
  if (target.startsWith('../')) return 'lib imports nothing outside lib; move what is needed into lib';
  if (/(^|\/)index\.ts$/.test(target)) return [`import the file that holds the name, not lib/${target}`, 'inner-index'];
  const [from, to] = [file.path, target].map((path) => table.strangers.find((folder) => inside(path, folder)));
  if (from && to && from !== to)
    return `${from} and ${to} do not know each other; put what they share into core or nest`;
  if (inside(file.path, 'core') && inside(target, 'core')) return rankProblem(file.path, target, table.ranks);
  const { lazily } = table;
  if (
    kind === 'static' &&
    inside(file.path, lazily.from) &&
    inside(target, lazily.to) &&
    !inside(target, lazily.except)
  ) {
    return `${lazily.from} loads adapters on use; write "await import(...)" or "import type"`;
  }
  if (inside(target, layer.folder) || layer.folders.some((folder) => inside(target, folder))) return undefined;
  const allowed = [layer.folder, ...layer.folders].join(', ');
  return `${layer.folder} may not import lib/${target} (only ${allowed}); turn the dependency round or hand the thing in`;
}

function rankProblem(path, target, ranks) {
  const [from, to] = [path, target].map((name) => name.split('/')[1]);
  if (from === to) return undefined;
  const [fromRank, toRank] = [from, to].map((folder) => ranks.findIndex((row) => row.includes(folder)));
  if (fromRank < 0 || toRank < 0) {
    return `core/${fromRank < 0 ? from : to} has no rank; add it to the ranks in .ci/laws.mjs, or move the file`;
  }
  if (toRank < fromRank) return undefined;
  return `core/${from} (rank ${fromRank}) may not import core/${to} (rank ${toRank}), only lower ranks; move the shared part down or hand it in`;
}

function packageProblem(file, { specifier }, layer, table, manifest) {
  const name = packageOf(specifier);
  if (table.testRunners.includes(specifier) || table.testRunners.includes(name)) {
    return [`no test runner in lib; take describe, it and expect as arguments`, 'test-runner'];
  }
  if (specifier.startsWith('node:')) return undefined;
  if (builtinModules.includes(specifier)) return `write "node:${specifier}"`;
  if (name === manifest.name) return 'lib imports itself by relative paths';
  if (name.startsWith('@nestjs/') && !table.nestFolders.some((folder) => inside(file.path, folder))) {
    return `@nestjs/* belongs in ${table.nestFolders.join(' and ')} only; move the file or hand the value in`;
  }
  if (layer.packages !== 'declared') {
    if (layer.packages.includes(name)) return undefined;
    return `${layer.folder} may not import ${name} (only ${layer.packages.join(', ') || 'node: modules'}); hand it in, or change the table in .ci/laws.mjs`;
  }
  if (name in { ...manifest.dependencies, ...manifest.peerDependencies }) return undefined;
  return `${name} is not among the dependencies or peerDependencies that users install; declare it there`;
}

/** One violation per circle, at the import that closes it. Type imports count: a circle of types is a circle of thoughts. */
export function checkCycles({ files, byPath }) {
  const state = new Map();
  const found = [];
  const visit = (file, trail) => {
    state.set(file, 'open');
    for (const entry of file.imports) {
      const next = byPath.get(entry.target);
      if (!next) continue;
      if (state.get(next) === 'open') {
        const circle = [...trail.slice(trail.indexOf(next)), next].map(({ path }) => path).join(' -> ');
        found.push(violation(file, entry, `${circle}; move what both need into a third file`, 'import-cycle'));
      } else if (!state.has(next)) visit(next, [...trail, next]);
    }
    state.set(file, 'done');
  };
  for (const file of files) if (!state.has(file)) visit(file, [file]);
  return found;
}

/** Importing the root entry must not load a package that users may leave out. */
export function checkLazyPeers({ byPath, manifest }) {
  const optional = Object.entries(manifest.peerDependenciesMeta ?? {}).filter(([, meta]) => meta.optional);
  const peers = new Set(optional.map(([name]) => name));
  const entry = byPath.get('index.ts');
  const queue = entry ? [[entry]] : [];
  const seen = new Set([entry]);
  const found = [];
  for (const trail of queue) {
    const file = trail.at(-1);
    for (const item of file.imports.filter(({ kind }) => kind === 'static')) {
      const next = byPath.get(item.target);
      if (peers.has(packageOf(item.specifier))) {
        const way = trail.map(({ path }) => path).join(' -> ');
        const cure = 'write "import type" and "await import(...)" where it is used';
        found.push(
          violation(
            file,
            item,
            `${item.specifier} is optional, yet importing the package loads it (${way}); ${cure}`,
            'lazy-peer',
          ),
        );
      } else if (next && !seen.has(next)) {
        seen.add(next);
        queue.push([...trail, next]);
      }
    }
  }
  return found;
}
