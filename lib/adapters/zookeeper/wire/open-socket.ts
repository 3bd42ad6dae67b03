import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Clock } from '../../../core/common/clock.js';

export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions;
}

/** A connection that is ready to be written to, encryption included. It has no listeners, and `error` is not left alone. */
export function openSocket(
  { host, port, tls }: SocketTarget,
  { clock, timeoutMs, signal }: { clock: Clock; timeoutMs: number; signal: AbortSignal },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error('it was closed'));
    const socket = tls ? connectTls({ ...tls, host, port }) : connectTcp({ host, port });
    socket.setNoDelay(true);
    const timer = clock.setTimer(timeoutMs, () => fail(new Error(`${host}:${port} did not answer in time`)));
    const abort = (): void => fail(new Error('it was closed'));
    const done = (): void => {
      timer.dispose();
      signal.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      done();
      socket.destroy();
      reject(error);
    };
    signal.addEventListener('abort', abort);
    socket.on('error', fail); // Stays: what else goes wrong is followed by 'close'.
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      done();
      resolve(socket);
    });
  });
}
