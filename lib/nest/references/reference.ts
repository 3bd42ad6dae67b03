import type { Abstract, Type } from '@nestjs/common';

/** In the global symbol registry, so that two copies of the package in one process understand each other. */
const REFERENCE = Symbol.for('nestjs-distributed-schedule/reference');
/** Stands in types only. */
declare const VALUE: unique symbol;

/** What an injectable is asked for by. */
export type ProviderToken = Type | Abstract<any> | string | symbol;

/** A value that is looked up in the configuration when the application starts; made by `fromConfig`. */
export interface ConfigReference<out T = any> {
  readonly [REFERENCE]: 'config';
  readonly [VALUE]?: T;
  readonly path: string;
  /** Empty: the value must be there. */
  readonly fallback: readonly [] | readonly [value: unknown];
}

/** A value that is computed from injected providers when the application starts; made by `fromProviders`. */
export interface ProviderReference<out T = any> {
  readonly [REFERENCE]: 'providers';
  readonly [VALUE]?: T;
  readonly tokens: readonly ProviderToken[];
  readonly compute: (...providers: never[]) => unknown;
}

export type Reference<T = any> = ConfigReference<T> | ProviderReference<T>;

/** What a token injects: of a class an instance, of a text or symbol who knows what. */
type Injected<Token> = Token extends Type<infer I> ? I : Token extends Abstract<infer I> ? I : any;

/**
 * Stands for the value of an option of a decorator that the configuration holds. It is looked up once, when the application
 * starts: by the `ConfigService` of `@nestjs/config` where the application has one, else under just this name among
 * the environment variables. Text from there is taken for a number or a boolean where the option wants one.
 *
 * @param path as `ConfigService.get()` takes it: `'billing.cron'`, `'BILLING_CRON'`
 * @param fallback used where there is no such value; `undefined` leaves the option out. Without it the start fails, naming
 * class, method and option
 * @example
 * ```ts
 * @DistributedCron(fromConfig('billing.cron'), {
 *   name: 'billing.close',
 *   disabled: fromConfig('BILLING_OFF', false),
 *   retry: { attempts: fromConfig('billing.attempts', 3) },
 * })
 * async close() {}
 * ```
 */
export function fromConfig<const T = any>(path: string, ...fallback: [] | [value: T]): ConfigReference<T> {
  return { [REFERENCE]: 'config', path, fallback };
}

/**
 * Stands for the value of an option of a decorator that follows from providers. They are injected as into the class of the
 * decorated method, so its module must see them, and the function is called once, when the application starts. It may return
 * a promise; `undefined` leaves the option out.
 *
 * @param tokens classes, texts or symbols, as `@Inject()` takes them
 * @example
 * ```ts
 * @DistributedCron(fromProviders([Settings], (settings) => settings.closingTime), { name: 'billing.close' })
 * async close() {}
 * ```
 */
export function fromProviders<const Tokens extends readonly ProviderToken[], T>(
  tokens: Tokens,
  compute: (...providers: { -readonly [I in keyof Tokens]: Injected<Tokens[I]> }) => T | Promise<T>,
): ProviderReference<T> {
  return { [REFERENCE]: 'providers', tokens, compute: compute as ProviderReference['compute'] };
}

export function isReference(value: unknown): value is Reference {
  return value !== null && typeof value === 'object' && REFERENCE in value;
}

export function isConfigReference(reference: Reference): reference is ConfigReference {
  return reference[REFERENCE] === 'config';
}

/** As messages quote it. */
export function describeReference(reference: Reference): string {
  if (isConfigReference(reference)) return `fromConfig('${reference.path}')`;
  const names = reference.tokens.map((token) => (typeof token === 'function' ? token.name : String(token)));
  return `fromProviders([${names.join(', ')}])`;
}
