import {
  resolveAdapterTuning,
  type AdapterTuning,
  type ResolvedAdapterTuning,
} from '../../core/registry/adapter-options.js';

/** Certificates as PEM, in a text or a buffer. */
export interface EtcdTls {
  /** Authorities to trust, instead of the well-known ones. */
  ca?: string | Buffer;
  /** The client's own certificate, and its key. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The name the servers' certificates are for, where it is not the host of the endpoint. */
  serverName?: string;
}

export interface EtcdTuning extends AdapterTuning {
  /**
   * The members of one cluster, `http://` or `https://`, the port 2379 where none is given; or
   * `host:port`, which means http. In one text they are separated by commas. Name all of them: the registry moves on to another one when a member fails.
   */
  endpoints: string | readonly string[];
  /** With `password`: a user of etcd who may read and write all keys that begin with `<prefix>/`. */
  username?: string;
  password?: string;
  /** For `https://` endpoints. */
  tls?: EtcdTls;
}

export type EtcdRegistryOptions = EtcdTuning & { type?: 'etcd' };

const DEFAULT_PORT = 2379;

/** The options with defaults in place, durations in milliseconds and one address for each endpoint. */
export interface ResolvedEtcdOptions extends ResolvedAdapterTuning {
  readonly addresses: readonly string[];
  /** Unset where the endpoints are `http://`. */
  readonly tls: EtcdTls | undefined;
  readonly user: { readonly name: string; readonly password: string } | undefined;
}

/** Of options in which `etcdOptionProblems` found nothing. */
export function resolveEtcdOptions(options: EtcdRegistryOptions): ResolvedEtcdOptions {
  const endpoints = endpointsOf(options.endpoints);
  const { username: name, password, tls } = options;
  return {
    ...resolveAdapterTuning(options),
    addresses: [...new Set(endpoints.map(addressOf))],
    tls: endpoints[0]!.startsWith('https:') ? (tls ?? {}) : undefined,
    user: name === undefined || password === undefined ? undefined : { name, password },
  };
}

export function endpointsOf(given: string | readonly string[]): string[] {
  const texts = (typeof given === 'string' ? given.split(',') : given).map((text) => text.trim());
  const bare = /^(?:[\w.-]+|\[[\da-f:]+\]):\d+$/i; // as etcd's own tools take it
  return texts.filter((text) => text !== '').map((text) => (bare.test(text) ? `http://${text}` : text));
}

/** The port as written: a URL leaves out those that are the usual ones for web pages. */
function addressOf(endpoint: string): string {
  const port = /:(\d+)\/?$/.exec(endpoint)?.[1] ?? DEFAULT_PORT;
  return `${new URL(endpoint).hostname}:${port}`;
}
