// Reads lib/ and finds what each file imports, without a parser.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix, sep } from 'node:path';

/** Everything the checks need: the files of lib with their imports, and what package.json declares. */
export function readLibrary(root) {
  const lib = join(root, 'lib');
  const paths = existsSync(lib) ? readdirSync(lib, { recursive: true }) : [];
  const files = paths
    .map((path) => path.split(sep).join('/'))
    .filter((path) => /\.(ts|tsx|lua)$/.test(path))
    .sort()
    .map((path) => readSource(path, readFileSync(join(lib, path), 'utf8')));
  const manifest = existsSync(join(root, 'package.json'))
    ? JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    : {};
  return { root, files, manifest, byPath: new Map(files.map((file) => [file.path, file])) };
}

function readSource(path, text) {
  if (path.endsWith('.lua')) return { path, text, code: '', imports: [] };
  const code = blankTextAndComments(text);
  return { path, text, code, imports: findImports(path, text, code) };
}

export const lineAt = (text, offset) => text.slice(0, offset).split('\n').length;

const names = String.raw`\{[\w$,\s]*\}`;
const forms = [
  {
    kind: 'static',
    regex: new RegExp(
      String.raw`(?<![\w$.])import\s+(type\s)?\s*(?:[\w$]+\s*,?\s*)?(?:\*\s*as\s+[\w$]+\s*|${names}\s*)?from\s*['"]`,
      'g',
    ),
  },
  {
    kind: 'static',
    regex: new RegExp(
      String.raw`(?<![\w$.])export\s+(type\s)?\s*(?:\*(?:\s*as\s+[\w$]+)?|${names})\s*from\s*['"]`,
      'g',
    ),
  },
  { kind: 'static', regex: /(?<![\w$.])import\s*['"]/g },
  { kind: 'dynamic', regex: /(?<![\w$.])(?:import|require)\s*\(\s*['"`]/g },
];

/** `kind` is static, type or dynamic. `{ type A }` counts as static: the compiler keeps such an import. */
function findImports(path, text, code) {
  return forms
    .flatMap(({ kind, regex }) =>
      [...code.matchAll(regex)].map((match) => {
        const start = match.index + match[0].length;
        const specifier = text.slice(start, code.indexOf(text[start - 1], start));
        const target = specifier.startsWith('.') ? resolveTarget(path, specifier) : undefined;
        const clause = match[0];
        return { specifier, target, clause, kind: match[1] ? 'type' : kind, line: lineAt(text, start) };
      }),
    )
    .sort((a, b) => a.line - b.line);
}

/** The file of lib that a relative import means; it starts with '../' when it lies outside lib. */
function resolveTarget(path, specifier) {
  return posix.join(posix.dirname(path), specifier).replace(/\.js(x?)$/, '.ts$1');
}

/**
 * The same text, same length, with spaces for comments, the inside of strings, and regular expressions. What stands in
 * `${}` of a template stays, because it is code.
 */
function blankTextAndComments(text) {
  let code = '';
  let at = 0;
  const templates = []; // for each open `${`: how many braces are open inside it
  const blank = (end) => {
    code += text.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  const keep = (length = 1) => {
    code += text.slice(at, at + length);
    at += length;
  };
  const endOf = (regex) => {
    regex.lastIndex = at;
    const match = regex.exec(text);
    return match ? match.index + match[0].length : text.length;
  };
  const template = () => {
    const end = endOf(/(?:[^\\`$]|\\[^]|\$(?!\{))*/y);
    blank(end);
    if (text[at] === '`') keep();
    else if (at < text.length) {
      keep(2);
      templates.push(0);
    }
  };
  while (at < text.length) {
    const char = text[at];
    const pair = text.slice(at, at + 2);
    if (pair === '//') blank(endOf(/(?=\n)|$/g));
    else if (pair === '/*') blank(endOf(/\*\//g));
    else if (char === "'" || char === '"') {
      keep();
      blank(Math.max(at, endOf(char === "'" ? /(?:[^\\'\n]|\\[^])*/y : /(?:[^\\"\n]|\\[^])*/y)));
      keep();
    } else if (char === '`') {
      keep();
      template();
    } else if (char === '/' && startsRegex(code)) {
      blank(endOf(/\/(?:[^\\/[\n]|\\.|\[(?:[^\\\]\n]|\\.)*\])+\/[a-z]*/y));
    } else {
      const depth = templates.length - 1;
      if (char === '{' && depth >= 0) templates[depth]++;
      if (char === '}' && depth >= 0 && templates[depth]-- === 0) {
        templates.pop();
        keep();
        template();
      } else keep();
    }
  }
  return code;
}

/** After a value a slash divides; after anything else it opens a regular expression. */
function startsRegex(code) {
  const before = code.trimEnd();
  if (/(?<![\w$.])(?:return|typeof|case|in|of|void|delete|throw|new|await|yield|else|do)$/.test(before)) return true;
  return before === '' || /[(,=:[!&|?{};+\-*%~^<>]$/.test(before);
}
