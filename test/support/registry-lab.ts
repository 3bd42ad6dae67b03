import type { AdapterTuning } from '../../lib/core/registry/adapter-options.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import type { ConformanceFaults } from '../../lib/testing/conformance/subject.js';
import type { RunningServer } from './servers/server.js';
import type { TcpProxy } from './tcp-proxy.js';

export interface RegistryLabParts<Tuning = AdapterTuning> {
  server: RunningServer;
  proxy: TcpProxy;
  /** A registry, not connected, on the server that answers there: the real one, or the proxy. */
  create(address: { host: string; port: number }, tuning: Tuning): Promise<Registry>;
  /** The value as the server holds it, past the registry. */
  peek(key: string): Promise<string | undefined>;
  /** Ends what `peek` works with. */
  stop?(): Promise<void> | void;
}

/** A real server, a proxy in front of it, registries on either side, and a way to look at the server itself. */
export class RegistryLab<Tuning extends AdapterTuning = AdapterTuning> {
  readonly server: RunningServer;
  readonly proxy: TcpProxy;

  constructor(private readonly parts: RegistryLabParts<Tuning>) {
    this.server = parts.server;
    this.proxy = parts.proxy;
  }

  /** A registry whose connections go through the proxy. */
  proxied(tuning = {} as Tuning): Promise<Registry> {
    return this.parts.create(this.proxy, tuning);
  }

  direct(tuning = {} as Tuning): Promise<Registry> {
    return this.parts.create(this.server, tuning);
  }

  peek(key: string): Promise<string | undefined> {
    return this.parts.peek(key);
  }

  get faults(): Omit<ConformanceFaults, 'direct'> {
    return {
      cut: () => this.proxy.cut(),
      partition: () => this.proxy.blackhole(),
      loseReplies: () => this.proxy.dropReplies(),
      heal: () => this.proxy.pass(),
    };
  }

  async stop(): Promise<void> {
    await this.parts.stop?.();
    await this.proxy.stop();
    await this.server.stop();
  }
}
