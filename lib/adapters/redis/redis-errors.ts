import { errorMessage } from '../../core/common/errors.js';
import { RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';

/** Codes of Redis' replies, with or without the `-` that older servers put in front of an error inside a script. */
const CODE =
  /(?:^|-|\s)(NOAUTH|WRONGPASS|NOPERM|OOM|WRONGTYPE|READONLY|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|MOVED|ASK)\b/;
const BAD_PASSWORD = /invalid password|without any password configured|AUTH <password>/i;

/** Replies that trying again does not cure, and what does. */
const REFUSED: Record<string, string> = {
  NOAUTH: 'give the username and password of a Redis user in the connection options',
  WRONGPASS: 'check the username and password in the connection options',
  NOPERM:
    'give this user the keys ~{<prefix>* and channels &{<prefix>* (prefix is nds unless set) and the commands ' +
    '+@read +@write +@scripting +@pubsub +@connection +time +info',
  OOM: 'raise maxmemory or free memory; documents are kept only under the noeviction policy',
  WRONGTYPE: 'other data uses these keys; give this scheduler a prefix of its own',
};

/** Sent by the client library when nothing had left this process. */
const NOT_SENT = /enableOfflineQueue options is false|Cluster isn't ready/;

/** A reply of the server, as opposed to an error of the connection: it says that the script did not run. */
const isReply = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'ReplyError';

/**
 * The registry's error for whatever the client threw. A reply of the server is certain: refused, or not done for now.
 * Anything else (timeout, closed connection) leaves open whether the request was carried out, unless it never left.
 */
export function registryErrorOf(
  thrown: unknown,
  mask: (text: string) => string,
): RegistryUnavailableError | RegistryRefusedError {
  if (thrown instanceof RegistryUnavailableError || thrown instanceof RegistryRefusedError) return thrown;
  const message = mask(errorMessage(thrown));
  // The client library hangs the whole command on the error, with passwords and documents: only the text goes on.
  const cause = new Error(message);
  const code = CODE.exec(message)?.[1] ?? (BAD_PASSWORD.test(message) ? 'WRONGPASS' : undefined);
  if (code !== undefined && code in REFUSED) {
    return new RegistryRefusedError(`Redis refused the request (${message}): ${REFUSED[code]}.`, cause);
  }
  if (isReply(thrown) && code === undefined) {
    return new RegistryRefusedError(`Redis refused the request (${message}).`, cause);
  }
  const outcomeUnknown = code === undefined && !NOT_SENT.test(message);
  return new RegistryUnavailableError(`Redis is not available (${message}).`, { outcomeUnknown, cause });
}
