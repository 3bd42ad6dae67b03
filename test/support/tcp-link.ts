import { connect, type Socket } from 'node:net';

export type Way = 'requests' | 'replies';

interface Rules {
  isHeld(way: Way): boolean;
  judge(link: TcpLink, way: Way, bytes: Buffer): { delayMs: number } | 'drop';
}

/** One connection through a `TcpProxy`: two sockets, and what is under way between them. */
export class TcpLink {
  /** Bytes were dropped, so the client may never read on. */
  hasHole = false;
  /** Set while the next reply is waited for, which the client is not to see. */
  onReply: (() => void) | undefined;
  readonly closed: Promise<unknown>;
  private readonly upstream: Socket;
  private readonly lanes: Lane[];

  constructor(
    private readonly client: Socket,
    target: { host: string; port: number },
    rules: Rules,
  ) {
    this.upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    this.lanes = [
      new Lane(client, this.upstream, 'requests', this, rules),
      new Lane(this.upstream, client, 'replies', this, rules),
    ];
    const gone = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));
    this.closed = Promise.all([gone(client), gone(this.upstream)]);
  }

  /** Delivers what is due and no longer held. */
  move(): void {
    for (const lane of this.lanes) lane.move();
  }

  /** Delivers at once what was held back or late. */
  release(): void {
    for (const lane of this.lanes) lane.release();
  }

  cut(): void {
    for (const lane of this.lanes) lane.clear();
    for (const socket of [this.client, this.upstream]) reset(socket);
  }

  /**
   * Resets the client at once. The server gets an orderly end instead, since a reset would throw away what it has not
   * read yet; when it has closed its side it has done everything it was asked.
   */
  async cutAfterDelivery(): Promise<void> {
    this.onReply = () => {};
    reset(this.client);
    this.upstream.end();
    await this.closed;
  }
}

/** One direction: bytes leave in the order they came, when they are due and not held. */
class Lane {
  private readonly queue: { what: Buffer | 'end' | 'reset'; dueAt: number }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    from: Socket,
    private readonly to: Socket,
    private readonly way: Way,
    private readonly link: TcpLink,
    private readonly rules: Rules,
  ) {
    from.on('data', (bytes) => this.take(bytes));
    from.on('end', () => this.push('end', 0));
    from.on('error', () => this.push('reset', 0));
  }

  release(): void {
    for (const item of this.queue) item.dueAt = 0;
    this.move();
  }

  clear(): void {
    clearTimeout(this.timer);
    this.queue.length = 0;
  }

  private take(bytes: Buffer): void {
    const verdict = this.rules.judge(this.link, this.way, bytes);
    if (verdict !== 'drop') this.push(bytes, verdict.delayMs);
  }

  private push(what: Buffer | 'end' | 'reset', delayMs: number): void {
    this.queue.push({ what, dueAt: performance.now() + delayMs });
    this.move();
  }

  move(): void {
    clearTimeout(this.timer);
    for (let next = this.queue[0]; next && !this.rules.isHeld(this.way); next = this.queue[0]) {
      const waitMs = next.dueAt - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.move(), waitMs);
        return;
      }
      this.queue.shift();
      if (next.what === 'reset') reset(this.to);
      else if (next.what === 'end') this.to.end();
      else this.to.write(next.what);
    }
  }
}

/** Once its end is under way Node cannot reset a socket any more, and would leave it open for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
