import { findReferences, findTexts, valueAt, withValue, type Path } from './find-references.js';
import { describeReference, isConfigReference, type Reference } from './reference.js';

/** What a reference stands for, or why that cannot be said. */
export type Answer = { value: unknown } | { problem: string };

/** How the value that holds references is judged once they are answered. */
export interface Judge<T> {
  /** Everything wrong with it, each problem with its path before a colon. */
  readonly problemsOf: (value: T) => string[];
  /** The path of a part of it, as problems have it. */
  readonly pathOf: (path: Path) => string;
}

interface Told {
  readonly path: Path;
  readonly reference: Reference;
  readonly answer: Answer;
}

/**
 * The value with what its references stand for in their places, and everything that is wrong with it, naming the references
 * in question. What could not be answered is `undefined` there.
 */
export async function settle<T>(
  given: T,
  answer: (reference: Reference) => Promise<Answer>,
  judge: Judge<T>,
): Promise<{ value: T; problems: string[] }> {
  const told = await Promise.all(
    findReferences(given).map(async ({ path, found }): Promise<Told> => {
      return { path, reference: found, answer: await answer(found) };
    }),
  );
  const filled = told.reduce(
    (value, { path, answer: one }) => withValue(value, path, 'value' in one ? one.value : undefined),
    given,
  );
  const { value, problems } = asWanted(filled, told, judge);
  return { value, problems: blame(problems, told, judge) };
}

const NUMBER = /^-?\d+(\.\d+)?$/;

/** Makes text from the configuration a number or a boolean where the text is refused and that is not. */
function asWanted<T>(given: T, told: readonly Told[], { problemsOf, pathOf }: Judge<T>) {
  let [value, problems] = [given, problemsOf(given)];
  const configured = told.filter(({ reference }) => isConfigReference(reference));
  for (const { path, found } of configured.flatMap((one) => findTexts(valueAt(given, one.path), one.path))) {
    const meant = NUMBER.test(found) ? Number(found) : found === 'true' ? true : found === 'false' ? false : undefined;
    if (meant === undefined || !problems.some(isAbout(pathOf(path)))) continue;
    const trial = withValue(value, path, meant);
    const left = problemsOf(trial);
    if (!left.some(isAbout(pathOf(path)))) [value, problems] = [trial, left];
  }
  return { value, problems };
}

/** The problems with the references they come from; what follows from a reference without answer is not told twice. */
function blame<T>(problems: readonly string[], told: readonly Told[], { pathOf }: Judge<T>): string[] {
  const unanswered = told.flatMap(({ path, reference, answer }) =>
    'problem' in answer ? [`${pathOf(path)}: ${describeReference(reference)}: ${answer.problem}`] : [],
  );
  const others = problems.flatMap((problem) => {
    const sources = told.filter(({ path }) => isAbout(pathOf(path))(problem) || isWithin(pathOf(path), problem));
    if (sources.some(({ answer }) => 'problem' in answer)) return [];
    const from = sources.map(({ reference }) => describeReference(reference)).join(', ');
    return from === '' ? [problem] : [`${problem} (given by ${from})`];
  });
  return [...unanswered, ...others];
}

/** Whether what stands at the path is part of what a problem is about. */
function isWithin(path: string, problem: string): boolean {
  return isAbout(problem.slice(0, problem.indexOf(':')))(path);
}

/** Whether a problem is about what stands at the path, or within it. */
function isAbout(path: string): (problem: string) => boolean {
  return (problem) => problem.startsWith(path) && [':', '.', '['].includes(problem[path.length]!);
}
