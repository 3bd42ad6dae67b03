import { errorMessage } from '../../core/common/errors.js';
import { RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';

/** What the client library says about a call that failed. The numbers are gRPC's. */
export interface CallFailure {
  readonly code: number;
  readonly details: string;
}

const RESOURCE_EXHAUSTED = 8;
/** Codes of answers that trying again does not change: invalid argument, not found, …, unauthenticated. */
const ANSWERS = new Set([3, 5, 6, 7, 9, 11, 12, 15, 16]);

/** Answers with which the member says that it did nothing, and that another one may, or this one later. */
const NOT_DONE =
  /etcdserver: (no leader|not leader|too many requests|rpc not supported for learner)|No connection established|Channel closed before call started/;

/** Answers that trying again does not cure, and what does. */
const CURES: readonly (readonly [RegExp, string])[] = [
  [/user name is empty/, 'give username and password in the options'],
  [/authentication failed|user name not found/, 'check username and password in the options'],
  [
    /permission denied/,
    'grant the user a role with readwrite on the prefix, as: etcdctl role grant-permission <role> readwrite --prefix=true <prefix>/ (prefix is nds unless set)',
  ],
  [
    /database space exceeded/,
    'compact and defragment it or raise --quota-backend-bytes, then run etcdctl alarm disarm; set --auto-compaction-retention so that it does not happen again',
  ],
  [/request is too large|larger than max/, 'raise --max-request-bytes of the servers to 1.5 MiB or more'],
  [/too many operations/, 'raise --max-txn-ops of the servers to 128 or more'],
  [/unknown (service|method)/, 'etcd 3.4 or later must answer at the endpoints'],
];

const STALE_LOGIN = /invalid auth token|revision of auth store is old|user name is empty/;
const AUTH_IS_OFF = /authentication is not enabled/;
const LEASE_NOT_FOUND = /requested lease not found/;
const OTHER_HISTORY = /required revision (has been compacted|is a future revision)/;
const TOO_LARGE_TO_RECEIVE = /Received message larger than max/;

const says =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof RegistryRefusedError && pattern.test(error.message);

/** The login has expired: the request was not carried out, and may be sent again after another one. */
export const isStaleLogin = says(STALE_LOGIN);

/** This user may not do it. */
export const isPermissionDenied = says(/permission denied/);

/** There is nothing to log in to. */
export const isAuthOff = says(AUTH_IS_OFF);

/** The answer has come and is larger than the client takes. */
export const isTooLargeToReceive = (error: unknown): boolean =>
  error instanceof RegistryUnavailableError && TOO_LARGE_TO_RECEIVE.test(error.message);

/** The lease named in a transaction is over: nothing of the transaction was done. */
export const isLeaseNotFound = says(LEASE_NOT_FOUND);

/**
 * The quota is reached. The servers apply a transaction and then answer with this in its place, where they notice only
 * while they apply it; so nobody knows whether it was done.
 */
const isOutOfSpace = says(/database space exceeded/);

/** The error of a transaction that failed, from that of the call. */
export function transactionErrorOf(error: unknown): unknown {
  if (!isOutOfSpace(error)) return error;
  const message = `${errorMessage(error)} It may have been carried out all the same.`;
  return new RegistryUnavailableError(message, { outcomeUnknown: true, cause: error });
}

/** A revision that was asked for is not in the store any more, or not yet again: nothing was done. */
export const isOtherHistory = says(OTHER_HISTORY);

/**
 * The registry's error for a call that failed. An answer of the server that it will not do something is certain.
 * Anything else (closed connection, lost leader, a server that gave up waiting) leaves open whether it was done.
 */
export function registryErrorOf(
  { code, details }: CallFailure,
  mask: (text: string) => string,
): RegistryUnavailableError | RegistryRefusedError {
  const message = mask(details);
  // The client library hangs headers on the error, with the token among them: only the text goes on.
  const cause = new Error(message);
  const isReceived = TOO_LARGE_TO_RECEIVE.test(message);
  const isRefused = !isReceived && !NOT_DONE.test(message) && (ANSWERS.has(code) || code === RESOURCE_EXHAUSTED);
  if (!isRefused) {
    const outcomeUnknown = isReceived || !NOT_DONE.test(message);
    return new RegistryUnavailableError(`etcd is not available (${message}).`, { outcomeUnknown, cause });
  }
  const cure = CURES.find(([pattern]) => pattern.test(message))?.[1];
  return new RegistryRefusedError(
    `etcd refused the request (${message})${cure === undefined ? '' : `: ${cure}`}.`,
    cause,
  );
}
