import { errorMessage } from '../../core/common/errors.js';
import { RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import { CODE, codeName } from './wire/protocol.js';
import { BAD_CREDENTIALS, WireClosedError } from './wire/wire-connection.js';

const GRANT =
  'check auth.username and auth.password; this user needs the permissions cdrw on the root node and all nodes below it';

/** Answers that trying again does not cure, and what does. */
const REFUSED: Record<number, string> = {
  [CODE.NoAuth]: GRANT,
  [CODE.AuthFailed]: GRANT,
  [CODE.InvalidACL]: 'nodes are made for the authenticated user only, and the server knows of none: check auth',
  [CODE.SessionClosedRequireAuth]: 'the server serves authenticated clients only: give auth',
  [CODE.QuotaExceeded]: 'raise the quota of the root node, or free what counts against it',
  [CODE.Unimplemented]: 'the server is older than ZooKeeper 3.6, the oldest version supported; upgrade it',
  [CODE.BadArguments]: 'the server does not take the name of this node',
};

/** The server says that the session this was asked in is over. Nothing was done. */
export class SessionEndedError extends RegistryUnavailableError {
  constructor() {
    super('The ZooKeeper session is over.', { outcomeUnknown: false });
  }
}

/** For an answer that is no result: refused for good, or not done for now. A failed request changes nothing. */
export function answerError(code: number, what: string): RegistryUnavailableError | RegistryRefusedError {
  if (code === CODE.SessionExpired) return new SessionEndedError();
  const cure = REFUSED[code];
  if (cure !== undefined) {
    return new RegistryRefusedError(`ZooKeeper refused the request (${codeName(code)} for ${what}): ${cure}.`);
  }
  // Answers from inside the server, as when it loses its leader, do not say whether the request was passed on.
  const isCertain = code === CODE.SessionMoved || code === CODE.NotReadOnly || code === CODE.ThrottledOp;
  const message = `ZooKeeper could not serve the request (${codeName(code)} for ${what}).`;
  return new RegistryUnavailableError(message, { outcomeUnknown: !isCertain });
}

/** For a connection that failed, or was never there. */
export function connectionError(thrown: unknown): RegistryUnavailableError | RegistryRefusedError {
  if (thrown instanceof RegistryUnavailableError || thrown instanceof RegistryRefusedError) return thrown;
  const reason = errorMessage(thrown);
  if (reason === BAD_CREDENTIALS) return answerError(CODE.AuthFailed, 'the connection') as RegistryRefusedError;
  const outcomeUnknown = thrown instanceof WireClosedError && thrown.wasSent;
  return new RegistryUnavailableError(`ZooKeeper is not available (${reason}).`, { outcomeUnknown, cause: thrown });
}
