import { durationProblem, parseDuration, requireDuration, type Duration } from '../common/duration.js';
import { DistributedScheduleError, errorMessage } from '../common/errors.js';
import { nearest } from '../common/nearest.js';

/** Options that every store's adapter has. */
export interface AdapterTuning {
  /** First part of everything the registry keeps in the store. Registries with different prefixes never meet. @default 'nds' */
  prefix?: string;
  /** How long one request may take before its outcome counts as unknown. @default '2s' */
  callTimeout?: Duration;
  /** How long `connect()` tries before it rejects. @default '5s' */
  connectTimeout?: Duration;
}

export const ADAPTER_DEFAULTS = {
  prefix: 'nds',
  callTimeout: '2s',
  connectTimeout: '5s',
} as const satisfies Required<AdapterTuning>;

/** The tuning with defaults in place and durations in milliseconds. */
export interface ResolvedAdapterTuning {
  readonly prefix: string;
  readonly callTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

export function resolveAdapterTuning(tuning: AdapterTuning): ResolvedAdapterTuning {
  const { prefix, callTimeout, connectTimeout } = ADAPTER_DEFAULTS;
  return {
    prefix: tuning.prefix ?? prefix,
    callTimeoutMs: requireDuration(tuning.callTimeout ?? callTimeout, 'callTimeout'),
    connectTimeoutMs: requireDuration(tuning.connectTimeout ?? connectTimeout, 'connectTimeout'),
  };
}

/** What is wrong with the tuning, and which options there are not. `own`: the names of the adapter's own options. */
export function adapterTuningProblems(
  options: Record<string, unknown>,
  type: string,
  own: readonly string[],
): string[] {
  const known = ['type', ...own, ...Object.keys(ADAPTER_DEFAULTS)];
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  const problems = unknown.map((key) => {
    const meant = nearest(key, known);
    return `${key}: no such option; ${meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`}`;
  });
  const { type: given, prefix } = options;
  if (given !== undefined && given !== type) problems.push(`type: is ${JSON.stringify(given)}, must be '${type}'`);
  if (prefix !== undefined && !(typeof prefix === 'string' && /^[\w.:-]{1,64}$/.test(prefix))) {
    problems.push(`prefix: ${JSON.stringify(prefix)} must be 1 to 64 letters, digits and _ . : -`);
  }
  for (const path of ['callTimeout', 'connectTimeout'] as const) {
    if (options[path] === undefined) continue;
    const ms = parseDuration(options[path]);
    if (ms === undefined) problems.push(durationProblem(options[path], path));
    else if (ms < 10) problems.push(`${path}: ${ms} ms is too short, at least 10 ms`);
  }
  return problems;
}

/** @throws DistributedScheduleError `INVALID_OPTIONS` with every problem, if there is one */
export function refuseOptions(store: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const message = `The ${store} registry cannot be created:\n${problems.map((problem) => `- ${problem}`).join('\n')}`;
  throw new DistributedScheduleError('INVALID_OPTIONS', message);
}

/**
 * Loads what the adapter needs of the packages. A missing one is told with its cure; one that is there and does not
 * load is told as it is.
 *
 * @throws DistributedScheduleError `MISSING_PEER`
 */
export async function loadPeer<T>(store: string, packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const missing = packages.filter((name) =>
      new RegExp(`Cannot find (?:package|module) '${name}'`).test(errorMessage(error)),
    );
    if (!isMissing || missing.length === 0) throw error;
    const are = packages.length === 1 ? 'package' : 'packages';
    const which = missing.length === packages.length ? 'which is not installed' : `and ${missing[0]} is not installed`;
    const message = `The ${store} registry needs the ${are} ${packages.join(' and ')}, ${which}: npm install ${packages.join(' ')}`;
    throw new DistributedScheduleError('MISSING_PEER', message, { cause: error });
  }
}

/** Replaces every secret in a text. */
export function maskOf(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))].filter((s) => s !== '');
  return (text) => known.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
