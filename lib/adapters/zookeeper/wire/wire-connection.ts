import type { Socket } from 'node:net';
import type { Clock } from '../../../core/common/clock.js';
import type { Disposable } from '../../../core/common/disposable.js';
import { errorMessage } from '../../../core/common/errors.js';
import { Fifo } from '../../../core/common/fifo.js';
import { FrameReader } from './frames.js';
import { JuteReader, JuteWriter } from './jute.js';
import { openSocket, type SocketTarget } from './open-socket.js';
import { OP, readConnect, readEvent, writeConnect, XID, type SessionTicket, type WatchEvent } from './protocol.js';
import { closeSession, frameOf, type WireRequest } from './requests.js';

/** What the server said to a request: what was asked for, or a code. */
export type WireReply<T> =
  | { readonly code: 0; readonly value: T; readonly zxid: bigint }
  | { readonly code: number; readonly value?: undefined; readonly zxid: bigint };

/** Why a connection ends whose credentials were not taken. */
export const BAD_CREDENTIALS = 'the server does not accept the credentials';

/** No answer came and none will. `wasSent`: the request left, so it may have been carried out. */
export class WireClosedError extends Error {
  constructor(
    message: string,
    readonly wasSent: boolean,
  ) {
    super(message);
  }
}

export interface WireOptions {
  readonly target: SocketTarget;
  readonly clock: Clock;
  /** For connecting and taking up the session together. */
  readonly connectTimeoutMs: number;
  /**
   * How long answers may stay away: they come in order, so each has this time from when it was asked for or from the end
   * of the one before it, and an answer that is arriving is not late. Where one is, the connection is given up.
   */
  readonly answerTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** The session to be taken up again; a new one without it. */
  readonly ticket?: SessionTicket;
  /** Whether silence is filled with pings: they keep the session, and find a connection that has gone silent. */
  readonly keepsAlive: boolean;
  readonly digest?: { readonly username: string; readonly password: string };
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchEvent) => void;
}

export interface SessionGrant {
  readonly timeoutMs: number;
  readonly ticket: SessionTicket;
}

interface Waiting {
  readonly xid: number;
  readonly sentAt: number;
  readonly request: WireRequest<unknown>;
  readonly resolve: (reply: WireReply<never>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One TCP connection to one server, from the handshake to its end. It never reconnects and never sends anything twice.
 *
 *   handshake --session granted--> open --closed by either side, a late answer, bytes that make no sense--> closed
 *       '---------------------refused, over, too late--------------------------------------------------------^
 *
 * Requests are pipelined: the server carries them out and answers them in the order they were sent, and an event comes
 * before every answer that could show what it tells of.
 */
export class WireConnection {
  /** Resolves with the reason. */
  readonly closed: Promise<string>;
  private granted: SessionGrant | undefined;
  private readonly frames = new FrameReader();
  private readonly waiting = new Fifo<Waiting>();
  private oldest: Waiting | undefined;
  private pingSentAt: number | undefined;
  /** When an answer came last, or a part of one. */
  private heardAt = -Infinity;
  private xid = 0;
  private zxid = 0n;
  private outbox: Buffer[] = [];
  private end: string | undefined;
  private tellGranted!: (grant: SessionGrant | 'expired') => void;
  private tellClosed!: (reason: string) => void;
  private watchdog: Disposable | undefined;
  private pinging: Disposable | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly options: WireOptions,
  ) {
    this.closed = new Promise((resolve) => (this.tellClosed = resolve));
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.close(errorMessage(error)));
    socket.once('close', () => this.close('the server closed the connection'));
    options.signal.addEventListener('abort', this.abort);
    if (options.signal.aborted) this.abort();
  }

  /**
   * `'expired'`: the session that was to be taken up is over.
   *
   * @throws where no server answers there in time, or one that does not serve now
   */
  static async open(options: WireOptions): Promise<WireConnection | 'expired'> {
    const { clock, connectTimeoutMs, signal, target } = options;
    const deadline = clock.monotonic() + connectTimeoutMs;
    const socket = await openSocket(target, { clock, timeoutMs: connectTimeoutMs, signal });
    const wire = new WireConnection(socket, options);
    const late = (): void => wire.close(`${target.host}:${target.port} did not answer in time`);
    const timer = clock.setTimer(deadline - clock.monotonic(), late);
    try {
      const answer = await wire.shakeHands();
      if (answer === 'expired') wire.close('the session is over');
      return answer === 'expired' ? answer : wire;
    } finally {
      timer.dispose();
    }
  }

  get isOpen(): boolean {
    return this.end === undefined;
  }

  get session(): SessionGrant {
    return this.granted!;
  }

  get address(): SocketTarget {
    return this.options.target;
  }

  /** Sends at once. @throws WireClosedError */
  call<T>(request: WireRequest<T>): Promise<WireReply<T>> {
    if (this.end !== undefined) return Promise.reject(new WireClosedError(this.end, false));
    return new Promise((resolve, reject) => {
      this.xid = this.xid === 0x7fff_ffff ? 1 : this.xid + 1;
      const waiting = { xid: this.xid, sentAt: this.options.clock.monotonic(), request, resolve, reject };
      this.post(frameOf(this.xid, request));
      if (this.oldest) this.waiting.push(waiting as Waiting);
      else this.oldest = waiting as Waiting;
      this.watch();
    });
  }

  /** Ends the session, when the server hears of it in time, and closes. */
  async quit(withinMs: number): Promise<void> {
    if (this.end !== undefined) return;
    const timer = this.options.clock.setTimer(withinMs, () => this.close('it was closed'));
    await this.call(closeSession()).catch(() => undefined);
    timer.dispose();
    this.close('it was closed');
  }

  /** Closes at once. What is unanswered stays so. */
  close(reason: string): void {
    if (this.end !== undefined) return;
    this.end = reason;
    this.watchdog?.dispose();
    this.pinging?.dispose();
    this.options.signal.removeEventListener('abort', this.abort);
    this.socket.destroy();
    for (let next = this.shift(); next; next = this.shift()) next.reject(new WireClosedError(reason, true));
    this.tellClosed(reason);
  }

  private async shakeHands(): Promise<SessionGrant | 'expired'> {
    const granted = new Promise<SessionGrant | 'expired'>((resolve) => (this.tellGranted = resolve));
    const out = new JuteWriter();
    writeConnect(out, this.options.sessionTimeoutMs, this.options.ticket);
    this.post(out.frame());
    const answer = await Promise.race([granted, this.closed]);
    // Closed before the answer: the answer is the reason, as a text.
    if (typeof answer === 'string' && answer !== 'expired') throw new Error(answer);
    return answer as SessionGrant | 'expired';
  }

  private readonly abort = (): void => this.close('it was closed');

  /** What one turn of the loop asks for leaves in one piece. */
  private post(frame: Buffer): void {
    if (this.outbox.push(frame) > 1) return;
    queueMicrotask(() => {
      const { outbox } = this;
      this.outbox = [];
      if (this.end === undefined) this.socket.write(outbox.length === 1 ? outbox[0]! : Buffer.concat(outbox));
    });
  }

  private take(chunk: Buffer): void {
    try {
      for (const frame of this.frames.take(chunk)) {
        if (this.end !== undefined) return;
        this.hear(new JuteReader(frame));
      }
      if (this.frames.isAmidst) this.heardAt = this.options.clock.monotonic();
    } catch (error) {
      this.close(errorMessage(error));
    }
  }

  private welcome(from: JuteReader): void {
    this.granted = readConnect(from);
    this.tellGranted(this.granted ?? 'expired');
    if (!this.granted) return;
    const { digest, keepsAlive } = this.options;
    if (digest) this.post(frameOf(XID.auth, { type: OP.auth, write: (out) => writeAuth(out, digest) }));
    if (keepsAlive) this.schedulePing();
  }

  private hear(from: JuteReader): void {
    if (!this.granted) return this.welcome(from);
    const [xid, zxid, code] = [from.int(), from.long(), from.int()];
    if (xid === XID.notification) return this.options.onEvent(readEvent(from));
    if (xid === XID.auth) return code === 0 ? undefined : this.close(BAD_CREDENTIALS);
    // A server given older data while it runs goes on with it on the same connection: what we know is worth nothing then.
    if (zxid > 0n && zxid < this.zxid) return this.close("the server's data has gone back");
    if (zxid > this.zxid) this.zxid = zxid;
    if (xid === XID.ping) this.pingSentAt = undefined;
    else this.answer(xid, zxid, code, from);
  }

  private answer(xid: number, zxid: bigint, code: number, from: JuteReader): void {
    this.heardAt = this.options.clock.monotonic();
    const waiting = this.shift();
    if (waiting?.xid !== xid) {
      waiting?.reject(new WireClosedError('answers came out of order', true));
      return this.close('answers came out of order');
    }
    try {
      const value = code === 0 ? waiting.request.read(from) : code;
      if (typeof value === 'number') waiting.resolve({ code: value, zxid });
      else waiting.resolve({ code: 0, value: value as never, zxid });
    } catch (error) {
      waiting.reject(new WireClosedError(errorMessage(error), true));
      throw error;
    }
  }

  private shift(): Waiting | undefined {
    const { oldest } = this;
    this.oldest = this.waiting.shift();
    return oldest;
  }

  private schedulePing(): void {
    const { clock, answerTimeoutMs } = this.options;
    this.pinging = clock.setTimer(Math.min(this.session.timeoutMs / 3, answerTimeoutMs), () => {
      if (this.pingSentAt === undefined) {
        this.pingSentAt = clock.monotonic();
        this.post(frameOf(XID.ping, { type: OP.ping, write: () => undefined }));
        this.watch();
      }
      this.schedulePing();
    });
  }

  /** One timer for all that is unanswered, set by the oldest. */
  private watch(): void {
    if (this.watchdog) return;
    const { clock, answerTimeoutMs } = this.options;
    this.watchdog = clock.setTimer(this.waitingSince() + answerTimeoutMs - clock.monotonic(), () => {
      // Where this process stood still the answer may be here already: what has arrived is read first.
      this.watchdog = clock.setTimer(0, () => {
        this.watchdog = undefined;
        const since = this.waitingSince();
        if (clock.monotonic() - since >= answerTimeoutMs) this.close(`no answer within ${answerTimeoutMs} ms`);
        else if (since !== Infinity) this.watch();
      });
    });
  }

  /** Since when nothing came of what is waited for; `Infinity` where nothing is. */
  private waitingSince(): number {
    return Math.max(Math.min(this.oldest?.sentAt ?? Infinity, this.pingSentAt ?? Infinity), this.heardAt);
  }
}

function writeAuth(out: JuteWriter, { username, password }: { username: string; password: string }): void {
  out.int(0).text('digest').text(`${username}:${password}`);
}
