import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../core/common/clock.js';
import type { CallFailure } from './etcd-errors.js';

export type RawStream = ClientDuplexStream<object, object>;

/** Nothing comes from a stream's connection any more. */
export const SILENCE: CallFailure = { code: 14, details: 'the connection has gone silent' };

/** A stream of messages either way, until it ends, for whatever reason; then another one is opened. */
export class EtcdStream<Request extends object, Response> {
  /** When something came last, on the monotonic clock, or since when there is somebody to take it. */
  heardAt = -Infinity;
  /** The server has taken it, or it has ended. */
  readonly opened: Promise<void>;
  private readonly end = new AbortController();
  /** Why it was ended on this side. */
  private reason: string | undefined;

  constructor(
    private readonly raw: RawStream,
    private readonly clock: Clock,
    /** With what the other side or the connection is to blame for; with nothing where it was given up. */
    onEnd: (failure?: CallFailure) => void,
  ) {
    raw.on('error', () => undefined); // The status, which always comes, tells the same.
    this.opened = new Promise((resolve) => {
      raw.once('metadata', () => resolve());
      raw.once('status', (status: CallFailure) => {
        const { reason = status.details } = this;
        resolve();
        onEnd(this.reason === undefined ? status : reason === SILENCE.details ? SILENCE : undefined);
        this.end.abort(reason);
      });
    });
  }

  /** Aborts at the end, with the reason in words. */
  get ended(): AbortSignal {
    return this.end.signal;
  }

  /** Messages wait until there is a listener. */
  listen(onMessage: (message: Response) => void): void {
    this.heardAt = this.clock.monotonic();
    this.raw.on('data', (message: Response) => {
      this.heardAt = this.clock.monotonic();
      if (!this.isOver) onMessage(message);
    });
  }

  send(request: Request): void {
    if (!this.isOver) this.raw.write(request);
  }

  /** From now on nothing is sent and no message is told. */
  cancel(reason = 'it was given up'): void {
    if (this.isOver) return;
    this.reason = reason;
    this.raw.cancel();
  }

  private get isOver(): boolean {
    return this.reason !== undefined || this.end.signal.aborted;
  }
}
