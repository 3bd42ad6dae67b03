import type { Write } from './registry.js';

/** Longest key in bytes of UTF-8. Together with a namespace it fits every store. */
export const MAX_KEY_BYTES = 1_024;

/** Half a surrogate pair has no UTF-8 form: stores would replace it, and two keys could become one. */
const ILL_FORMED = /\p{Surrogate}/u;
const CONTROL = /\p{Control}/u;

/** What is wrong with a key: a path of segments between slashes, such as `tasks/report`. */
export function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'string' || key === '') return 'a key must be a text of at least one character';
  if (/^\/|\/\/|\/$/.test(key)) return `the key ${JSON.stringify(key)} has an empty segment`;
  return textProblem('key', key);
}

/** What is wrong with a prefix: the beginning of a key, or nothing at all. */
export function prefixProblem(prefix: unknown): string | undefined {
  if (typeof prefix !== 'string') return 'a prefix must be a text';
  if (/^\/|\/\//.test(prefix)) return `the prefix ${JSON.stringify(prefix)} has an empty segment`;
  return textProblem('prefix', prefix);
}

export function writeProblem(write: Write, maxValueBytes: number): string | undefined {
  const { key, value, if: condition } = write;
  const problem = keyProblem(key);
  if (problem !== undefined) return problem;
  if (condition === '') return `the condition on ${key} is an empty revision`;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') return `the value of ${key} is not a text`;
  if (ILL_FORMED.test(value)) return `the value of ${key} holds half a surrogate pair, which cannot be stored`;
  const bytes = value.length * 3 <= maxValueBytes ? 0 : Buffer.byteLength(value);
  return bytes > maxValueBytes
    ? `the value of ${key} takes ${bytes} bytes, the store takes ${maxValueBytes}`
    : undefined;
}

function textProblem(what: string, text: string): string | undefined {
  if (CONTROL.test(text) || ILL_FORMED.test(text)) {
    return `the ${what} ${JSON.stringify(text)} holds a control character or half a surrogate pair`;
  }
  const bytes = Buffer.byteLength(text);
  return bytes > MAX_KEY_BYTES ? `the ${what} takes ${bytes} bytes, at most ${MAX_KEY_BYTES} are allowed` : undefined;
}
