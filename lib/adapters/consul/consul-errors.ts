import { errorMessage } from '../../core/common/errors.js';
import { RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';

/** Answers of Consul that name their cause, and what cures it. */
const REFUSED: readonly [pattern: RegExp, cure: string][] = [
  [/no path to datacenter/i, 'check "datacenter"'],
  [/invalid key name/i, 'this version of Consul allows too few characters in keys (1.21.5 does); update it'],
  [/too large|too many operations/i, 'leave kv_max_value_size and txn_max_req_len of the agent at 524288 or above'],
  [/HTTP request to an HTTPS server/i, 'write https:// in "address"'],
];

/** Answers that say for certain that the request was not carried out. */
const NOT_DONE =
  /no cluster leader|not the leader|no known consul servers|timed out enqueuing|rate limit|missing node registration/i;

/** Errors of a connection that never came to be: nothing was sent. */
const NOT_SENT = ['connect', 'getaddrinfo'];
/** What OpenSSL puts around the reason. */
const OPENSSL_WORDS = /^.*:SSL routines:[^:]*:([^:]+):.*$/s;
const TLS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;

export interface ErrorContext {
  readonly prefix: string;
  readonly mask: (text: string) => string;
}

/** The registry's error for an answer that is not what was asked for. */
export function answerError(
  status: number,
  text: string,
  { prefix, mask }: ErrorContext,
): RegistryRefusedError | RegistryUnavailableError {
  const said = mask(text.trim().slice(0, 300)) || `status ${status}`;
  if (status === 403 || status === 401) return deniedError(said, prefix);
  const cure = REFUSED.find(([pattern]) => pattern.test(said))?.[1];
  if (cure !== undefined) return new RegistryRefusedError(`Consul refused the request (${said}): ${cure}.`);
  if (status === 429 || status >= 500) {
    const outcomeUnknown = status !== 429 && !NOT_DONE.test(said);
    return new RegistryUnavailableError(`Consul is not available (${said}).`, {
      outcomeUnknown,
      cause: new Error(said),
    });
  }
  return new RegistryRefusedError(
    `Consul refused the request (${said}). Is "address" that of the HTTP interface of a Consul agent?`,
  );
}

export function deniedError(said: string, prefix: string): RegistryRefusedError {
  const cure =
    'give in "token" the secret of an ACL token whose policy has ' +
    `key_prefix "${prefix}/" { policy = "write" } and session_prefix "" { policy = "write" }`;
  return new RegistryRefusedError(`Consul refused the request (${said}): ${cure}.`);
}

/** The registry's error for whatever the HTTP client threw. Without an answer it is open whether the request was carried out. */
export function thrownError(thrown: unknown, { mask }: ErrorContext): RegistryRefusedError | RegistryUnavailableError {
  if (thrown instanceof RegistryUnavailableError || thrown instanceof RegistryRefusedError) return thrown;
  const { code, syscall, errors } = thrown as { code?: string; syscall?: string; errors?: { syscall?: string }[] };
  // Where a name has several addresses there is one error for each.
  const said = errorMessage(thrown) || (errors ?? []).map(errorMessage).join('; ') || String(code);
  const message = mask(said.trim().replace(OPENSSL_WORDS, '$1'));
  const cause = new Error(message);
  if (code !== undefined && TLS.test(code)) {
    const cure = 'check "tls" (ca, cert, key, serverName), and that "address" is that of the HTTPS port';
    return new RegistryRefusedError(`No safe connection to Consul (${message}): ${cure}.`, cause);
  }
  const tries = errors ?? [{ syscall }];
  const isSent =
    code !== 'UND_ERR_CONNECT_TIMEOUT' && !tries.every((attempt) => NOT_SENT.includes(attempt.syscall ?? ''));
  return new RegistryUnavailableError(`Consul is not available (${message}).`, { outcomeUnknown: isSent, cause });
}
