import { show } from '../../core/common/show.js';
import { isPayloadSchema } from '../../core/execution/payload-schema.js';
import type { MethodMark } from '../decorators/task-metadata.js';
import { section } from '../options/checks.js';

const options = section({
  scheduler: () => [], // decides who looks at the rest
  retryIf: (value, path) =>
    typeof value === 'function' ? [] : [`${path}: ${show(value)} is not a function (error, attempt) => boolean`],
  payload: (value, path) =>
    isPayloadSchema(value)
      ? []
      : [`${path}: it is not a Standard Schema; give a schema of zod (3.24 or newer), valibot, ArkType or the like`],
});

/** What is wrong with a `@TaskHandler`, each problem with its path. */
export function handlerProblems({ id, options: given }: MethodMark & { kind: 'handler' }): string[] {
  const isId = id === undefined || (typeof id === 'string' && id !== '');
  const wrong = isId
    ? []
    : [`id: ${show(id)} is not the id of a handler; give a text, or nothing for the default handler`];
  return [...wrong, ...options(given, '')];
}
