import {
  resolveAdapterTuning,
  type AdapterTuning,
  type ResolvedAdapterTuning,
} from '../../core/registry/adapter-options.js';

export interface ConsulTls {
  /** Certificate authorities to trust instead of the well-known ones, as PEM. */
  ca?: string | Buffer;
  /** This client's certificate and its key, as PEM, where the agent asks for one (`verify_incoming`). */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** Name to look for in the agent's certificate, as `server.dc1.consul`. @default the host of the address */
  serverName?: string;
  /** `false` accepts any certificate: for tests only. @default true */
  rejectUnauthorized?: boolean;
}

export interface ConsulRegistryOptions extends AdapterTuning {
  type?: 'consul';
  /** HTTP address of an agent: the local one, or a server. `http://127.0.0.1:8500`, or `https://` for TLS. */
  address: string;
  /** Token of the access control list, where it is on. */
  token?: string;
  /**
   * Where the data is kept; every node must name the same one. In another one than the agent's the token must also have
   * `service_prefix ""` and `node_prefix ""` read: sessions then belong to one of its servers. @default that of the agent
   */
  datacenter?: string;
  /** Goes with an `https://` address. */
  tls?: ConsulTls;
}

/** The options with defaults in place and durations in milliseconds. */
export interface ResolvedConsulOptions extends ResolvedAdapterTuning {
  readonly origin: string;
  readonly token: string | undefined;
  readonly datacenter: string | undefined;
  readonly tls: ConsulTls;
}

export function resolveConsulOptions(options: ConsulRegistryOptions): ResolvedConsulOptions {
  const { address, token, datacenter, tls = {} } = options;
  return { ...resolveAdapterTuning(options), origin: new URL(address).origin, token, datacenter, tls };
}
