import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { TcpLink, type Way } from './tcp-link.js';

interface Address {
  host: string;
  port: number;
}

/**
 * Stands between clients and a server and does to their connections what networks do. One mode at a time; a mode stays
 * until the next call.
 *
 *   pass            bytes flow; what was held back is delivered first
 *   delay           bytes flow late, each way
 *   cut             every connection is reset (RST) now; new ones pass
 *   refuse          every connection is reset, new ones are refused
 *   blackhole       nothing arrives and nobody is told; after `pass` it arrives late, as TCP sends it again
 *   drop replies    the server works and the client never hears of it; such a connection is reset at the next change
 *                   of mode, because its stream has a hole
 *   deliver, cut    the next request that matches arrives; its reply is lost and the connection reset; then bytes flow
 */
export class TcpProxy implements Address {
  readonly host = '127.0.0.1';
  port = 0;
  private readonly links = new Set<TcpLink>();
  private server: Server | undefined;
  private readonly held = new Set<Way>();
  private delayMs = 0;
  private dropping = false;
  private trap: { matches: (request: Buffer) => boolean; sprung: () => void } | undefined;

  private constructor(private readonly target: Address) {}

  static async to(target: Address): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.pass();
    return proxy;
  }

  /** Connections that are open right now. */
  get connections(): number {
    return this.links.size;
  }

  async pass(): Promise<void> {
    this.change(() => {});
    for (const link of this.links) link.release();
    if (this.server) return;
    this.server = createServer({ allowHalfOpen: true }, (client) => {
      const link = new TcpLink(client, this.target, this);
      this.links.add(link);
      void link.closed.then(() => this.links.delete(link));
    });
    await once(this.server.listen(this.port, this.host), 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  delay(ms: number): void {
    this.change(() => (this.delayMs = ms));
  }

  cut(): void {
    this.change(() => {});
    for (const link of this.links) link.cut();
  }

  async refuse(): Promise<void> {
    this.cut();
    const { server } = this;
    this.server = undefined;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  blackhole(...ways: Way[]): void {
    const both: Way[] = ['requests', 'replies'];
    this.change(() => (ways.length > 0 ? ways : both).forEach((way) => this.held.add(way)));
  }

  dropReplies(): void {
    this.change(() => (this.dropping = true));
  }

  /** Resolves when it has happened: the server has done what it was asked, and the client does not know. */
  deliverThenCut(matches: (request: Buffer) => boolean = () => true): Promise<void> {
    return new Promise((sprung) => this.change(() => (this.trap = { matches, sprung })));
  }

  async stop(): Promise<void> {
    await this.refuse();
  }

  /** For the links: may bytes move this way now? */
  isHeld(way: Way): boolean {
    return this.held.has(way);
  }

  /** For the links: what becomes of these bytes, which have just come in. */
  judge(link: TcpLink, way: Way, bytes: Buffer): { delayMs: number } | 'drop' {
    if (way === 'replies' && (this.dropping || link.onReply)) {
      link.onReply?.();
      link.hasHole = true;
      return 'drop';
    }
    if (way === 'requests' && this.trap?.matches(bytes)) {
      const { sprung } = this.trap;
      this.trap = undefined;
      link.onReply = () => void link.cutAfterDelivery().then(sprung);
    }
    return { delayMs: this.delayMs };
  }

  /** Leaves the mode before, enters the next, and lets go what is no longer held. */
  private change(enter: () => void): void {
    if (this.dropping) for (const link of this.links) if (link.hasHole) link.cut();
    this.held.clear();
    this.delayMs = 0;
    this.dropping = false;
    this.trap = undefined;
    enter();
    for (const link of this.links) link.move();
  }
}
