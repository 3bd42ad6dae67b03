import { NoRetryError } from '../common/errors.js';
import { changedRun } from './changed-run.js';
import type { Handler } from './task-run.js';

/**
 * What says how a payload must be, and makes of it what the handler gets: a Standard Schema (standardschema.dev, version 1),
 * which the schemas of zod, valibot, ArkType and others are.
 */
export interface PayloadSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validation<Output> | Promise<Validation<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What the handler gets as `run.payload`, once the schema has passed it. */
export type PayloadOf<S extends PayloadSchema> = NonNullable<S['~standard']['types']>['output'];

type Validation<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly PayloadIssue[] };

interface PayloadIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The payload does not fit the schema of the handler. Another attempt would not mend that, so there is none. */
export class InvalidPayloadError extends NoRetryError {
  readonly code = 'INVALID_PAYLOAD';

  constructor(
    task: string,
    /** Each with its path in the payload. */
    readonly problems: readonly string[],
  ) {
    super(`The payload of task "${task}" does not fit what its handler takes: ${problems.join('; ')}`);
  }
}

const SCHEMA = Symbol('payload schema');

/** Whatever calls itself a Standard Schema; some are functions. */
export function isPayloadSchema(value: unknown): value is PayloadSchema {
  const isHolder = typeof value === 'function' || (typeof value === 'object' && value !== null);
  const standard: unknown = isHolder ? (value as Partial<PayloadSchema>)['~standard'] : undefined;
  return typeof (standard as PayloadSchema['~standard'] | undefined)?.validate === 'function';
}

/** The handler behind its schema: it gets what the schema makes of the payload, and nothing that does not fit. */
export function withPayloadSchema<S extends PayloadSchema>(schema: S, handler: Handler<PayloadOf<S>>): Handler {
  const checked: Handler = async (run) => {
    const validated = await validatePayload(schema, run.payload);
    if ('problems' in validated) throw new InvalidPayloadError(run.task, validated.problems);
    return handler(changedRun(run, { payload: validated.value as PayloadOf<S> }));
  };
  return Object.assign(checked, { [SCHEMA]: schema });
}

/** The schema the handler stands behind, if any. */
export function payloadSchemaOf(handler: Handler | undefined): PayloadSchema | undefined {
  return (handler as { [SCHEMA]?: PayloadSchema } | undefined)?.[SCHEMA];
}

/** What the schema makes of a payload, or everything that is wrong with it, each with its path. */
export async function validatePayload(
  schema: PayloadSchema,
  payload: unknown,
): Promise<{ value: unknown } | { problems: string[] }> {
  const result = await schema['~standard'].validate(payload);
  if (!result.issues) return { value: result.value };
  return { problems: result.issues.map(({ path = [], message }) => `${pathOf(path)}: ${message}`) };
}

function pathOf(path: NonNullable<PayloadIssue['path']>): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return keys.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    'payload',
  );
}
