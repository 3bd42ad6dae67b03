// Real time and chance come in by one door each, so that a simulated cluster can be replayed bit for bit.
import { lineAt } from './source.mjs';

const clockCure = 'take a Clock as an argument';
const patterns = [
  { rule: 'clock', what: 'Date.now', regex: /(?<![\w$])Date\s*\.\s*now\b/g },
  { rule: 'clock', what: 'new Date() without an argument', regex: /(?<![\w$])new\s+Date\s*(?:\(\s*\)|(?![\w$(.\s]))/g },
  { rule: 'clock', what: 'Date() without an argument', regex: /(?<![\w$.]|new\s+)Date\s*\(\s*\)/g },
  { rule: 'clock', what: 'performance.now', regex: /(?<![\w$])performance\s*\.\s*(?:now|timeOrigin)\b/g },
  { rule: 'clock', what: 'process.hrtime', regex: /(?<![\w$])process\s*\.\s*(?:hrtime|uptime)\b/g },
  {
    rule: 'clock',
    what: 'a timer',
    regex: /(?<![\w$.]|\bglobalThis\s*\.\s*)(?:globalThis\s*\.\s*)?set(?:Timeout|Interval|Immediate)\b/g,
  },
  { rule: 'clock', what: 'AbortSignal.timeout', regex: /(?<![\w$])AbortSignal\s*\.\s*timeout\b/g },
  { rule: 'chance', what: 'Math.random', regex: /(?<![\w$])Math\s*\.\s*random\b/g },
  {
    rule: 'chance',
    what: 'randomness',
    regex: /\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/g,
    only: /^core\//,
  },
];
const timedModules = /^(?:node:)?(?:timers|timers\/promises|perf_hooks)$/;
const timedOperators =
  /\b(?:timer|interval|delay|debounceTime|throttleTime|auditTime|sampleTime|bufferTime|windowTime|timeout|timeoutWith|timestamp|timeInterval)\b/;

export function checkClock({ files }, { clockFiles, chanceFolder }) {
  return files.flatMap((file) => {
    const mayTellTime = clockFiles.some(({ files: allowed }) => allowed.test(file.path));
    const mayRoll = file.path.startsWith(chanceFolder);
    const inCode = patterns
      .filter(({ rule, only }) => !(rule === 'clock' ? mayTellTime : mayRoll) && (!only || only.test(file.path)))
      .flatMap(({ rule, what, regex }) =>
        [...file.code.matchAll(regex)].map((match) => {
          const cure =
            rule === 'clock' ? clockCure : `take a generator as an argument; chance lives in ${chanceFolder}`;
          return {
            file: `lib/${file.path}`,
            line: lineAt(file.text, match.index),
            rule,
            message: `${what} is real; ${cure}`,
          };
        }),
      );
    const inImports = mayTellTime ? [] : file.imports.filter(bringsTime);
    return [
      ...inCode,
      ...inImports.map(({ line, specifier, clause }) => {
        const what = timedOperators.exec(clause)?.[0] ?? specifier;
        return {
          file: `lib/${file.path}`,
          line,
          rule: 'clock',
          message: `${what} from ${specifier} runs on real time; ${clockCure}`,
        };
      }),
    ];
  });
}

/** RxJS operators with a duration run on the real clock too. */
function bringsTime({ specifier, clause, kind }) {
  if (kind === 'type') return false;
  return timedModules.test(specifier) || (/^rxjs(?:\/|$)/.test(specifier) && timedOperators.test(clause));
}
