import type { ChannelCredentials, ChannelOptions, Client, Metadata } from '@grpc/grpc-js';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';
import type { EtcdTls } from './etcd-options.js';

/** The client library. Loaded on use. */
export interface EtcdLibrary {
  readonly grpc: typeof import('@grpc/grpc-js');
  readonly loader: typeof import('@grpc/proto-loader');
}

/** Opens clients whose settings keep a claim safe: nothing is ever sent twice, and a lost connection is soon replaced. */
const SETTINGS: ChannelOptions = {
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // Otherwise a new channel would be given the connection that the old one was dropped for.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  // The usual 64 KiB would make a large page take a round trip for each of them.
  'grpc-node.flow_control_window': 1024 * 1024,
  // A transaction that fails on all its conditions brings 126 documents of up to 1 MiB.
  'grpc.max_receive_message_length': 192 * 1024 * 1024,
};

export interface EtcdClients {
  readonly methods: (name: string) => MethodDefinition<object, object>;
  readonly open: (address: string) => Client;
  readonly metadata: (token: string | undefined) => Metadata;
  /** The state of a connection that can be used. */
  readonly READY: number;
  readonly FAILED: number;
}

export function etcdClients({ grpc, loader }: EtcdLibrary, tls: EtcdTls | undefined): EtcdClients {
  const proto = fileURLToPath(new URL('./etcd.proto', import.meta.url));
  const services = loader.loadSync(proto, { longs: String, enums: String, defaults: true });
  const settings =
    tls?.serverName === undefined
      ? SETTINGS
      : { ...SETTINGS, 'grpc.ssl_target_name_override': tls.serverName, 'grpc.default_authority': tls.serverName };
  const credentials = tls === undefined ? grpc.credentials.createInsecure() : secure(grpc, tls);
  return {
    methods(name) {
      const [service, method] = name.split('/') as [string, string];
      return (services[`etcdserverpb.${service}`] as ServiceDefinition)[method]!;
    },
    open: (address) => new grpc.Client(address, credentials, settings),
    metadata(token) {
      const metadata = new grpc.Metadata();
      // A member without a leader says so at once, instead of keeping the request for its own time.
      metadata.set('hasleader', 'true');
      if (token !== undefined) metadata.set('token', token);
      return metadata;
    },
    READY: grpc.connectivityState.READY,
    FAILED: grpc.connectivityState.TRANSIENT_FAILURE,
  };
}

function secure(grpc: EtcdLibrary['grpc'], { ca, cert, key }: EtcdTls): ChannelCredentials {
  const bytes = (pem: string | Buffer | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem));
  return grpc.credentials.createSsl(bytes(ca), bytes(key), bytes(cert));
}
