import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as safeRequest } from 'node:https';
import { TIMED_OUT, withTimeout, type Clock, type EpochMs } from '../../core/common/clock.js';
import { errorMessage } from '../../core/common/errors.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { EtcdTls } from './etcd-options.js';

/** A member tells its time in whole seconds. */
export const TIME_RESOLUTION_MS = 1_000;

/** Something is there and speaks another language: it breaks off, or says what is no HTTP or no TLS. */
const NO_HTTP = /^(HPE_|ERR_SSL_|ECONNRESET$|EPROTO$)/;

/**
 * The clock of a member. gRPC does not tell it, but the same port answers HTTP too unless `--listen-client-http-urls`
 * parts them, and every answer is dated.
 *
 * @returns undefined where something answers that does not tell the time
 * @throws RegistryUnavailableError where nothing answers
 */
export async function timeOf(
  address: string,
  tls: EtcdTls | undefined,
  { clock, timeoutMs, signal }: { clock: Clock; timeoutMs: number; signal: AbortSignal },
): Promise<EpochMs | undefined> {
  const giveUp = new AbortController();
  try {
    const asked = ask(address, tls, AbortSignal.any([signal, giveUp.signal]));
    const answer = await withTimeout(clock, asked, timeoutMs);
    if (answer === TIMED_OUT) throw unavailable(`${address} did not tell its time within ${timeoutMs} ms`);
    const at = Date.parse(answer.headers.date ?? '');
    return Number.isNaN(at) ? undefined : at;
  } catch (error) {
    if (error instanceof RegistryUnavailableError) throw error;
    if (NO_HTTP.test(String((error as NodeJS.ErrnoException).code))) return undefined;
    throw unavailable(`${address} does not tell its time: ${errorMessage(error)}`);
  } finally {
    giveUp.abort();
  }
}

function ask(address: string, tls: EtcdTls | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = `${tls ? 'https' : 'http'}://${address}/version`;
    const answer = (message: IncomingMessage): void => {
      message.resume();
      resolve(message);
    };
    const { serverName, ...pem } = tls ?? {};
    const settings = { signal, agent: false as const };
    const request = tls
      ? safeRequest(url, { ...settings, ...pem, ...(serverName !== undefined && { servername: serverName }) }, answer)
      : plainRequest(url, settings, answer);
    request.on('error', reject);
    request.end();
  });
}

const unavailable = (message: string): RegistryUnavailableError =>
  new RegistryUnavailableError(`etcd is not available (${message}).`, { outcomeUnknown: false });
