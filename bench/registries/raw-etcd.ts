import { fileURLToPath } from 'node:url';
import {
  credentials,
  loadPackageDefinition,
  type Client,
  type ClientDuplexStream,
  type GrpcObject,
  type requestCallback,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { lost, type BenchClient, type Claim } from './client.js';

const PROTO = fileURLToPath(new URL('../../lib/adapters/etcd/etcd.proto', import.meta.url));
/** A transaction holds 128 operations, and is one itself. */
const TXN_OPERATIONS = 127;

interface TxnRequest {
  compare?: object[];
  success: object[];
}

interface TxnResponse {
  header: { revision: string };
  succeeded: boolean;
  responses: { response_txn?: TxnResponse }[];
}

interface WatchResponse {
  created: boolean;
  events: { kv: { value: Buffer } }[];
}

type KV = Client & { Txn(request: TxnRequest, callback: requestCallback<TxnResponse>): void };
type Watch = Client & { Watch(): ClientDuplexStream<object, WatchResponse> };

/** `@grpc/grpc-js` with its defaults, on the messages the adapter uses too. */
export class RawEtcd implements BenchClient {
  private readonly kv: KV;
  private readonly watches: Watch;
  private stream: ClientDuplexStream<object, WatchResponse> | undefined;

  constructor({ host, port }: { host: string; port: number }) {
    const definition = loadPackageDefinition(
      loadSync(PROTO, { keepCase: true, longs: String, enums: String, defaults: true }),
    );
    const services = definition['etcdserverpb'] as GrpcObject;
    const open = (name: string): Client =>
      new (services[name] as ServiceClientConstructor)(`${host}:${port}`, credentials.createInsecure());
    this.kv = open('KV') as KV;
    this.watches = open('Watch') as Watch;
  }

  async claim(claim: Claim): Promise<string> {
    const { succeeded, header } = await this.transact(claimOf(claim));
    return succeeded ? header.revision : lost(claim.key);
  }

  async claimAll(claims: readonly Claim[]): Promise<string[]> {
    const parts = Array.from({ length: Math.ceil(claims.length / TXN_OPERATIONS) }, async (_, i) => {
      const part = claims.slice(i * TXN_OPERATIONS, (i + 1) * TXN_OPERATIONS);
      const success = part.map((claim) => ({ request_txn: claimOf(claim) }));
      const { header, responses } = await this.transact({ success });
      return part.map(({ key }, at) => (responses[at]!.response_txn!.succeeded ? header.revision : lost(key)));
    });
    return (await Promise.all(parts)).flat();
  }

  async put(key: string, value: string): Promise<void> {
    await this.transact({ success: [putOf(key, value)] });
  }

  async watch(prefix: string, onValue: (value: string) => void): Promise<void> {
    const stream = (this.stream = this.watches.Watch());
    await new Promise<void>((created) => {
      stream.on('data', (response: WatchResponse) => {
        if (response.created) created();
        for (const { kv } of response.events) onValue(kv.value.toString());
      });
      stream.on('error', () => undefined); // it is cancelled at the end
      const key = Buffer.from(`raw/${prefix}`);
      const range_end = Buffer.from(key);
      range_end[range_end.length - 1]! += 1;
      stream.write({ create_request: { key, range_end } });
    });
  }

  async close(): Promise<void> {
    this.stream?.cancel();
    this.kv.close();
    this.watches.close();
  }

  private transact(request: TxnRequest): Promise<TxnResponse> {
    return new Promise((resolve, reject) => {
      this.kv.Txn(request, (error, response) => (error ? reject(error) : resolve(response!)));
    });
  }
}

function claimOf({ key, value, revision }: Claim): TxnRequest {
  const compare = { target: 'MOD', result: 'EQUAL', key: Buffer.from(`raw/${key}`), mod_revision: revision ?? '0' };
  return { compare: [compare], success: [putOf(key, value)] };
}

const putOf = (key: string, value: string): object => ({
  request_put: { key: Buffer.from(`raw/${key}`), value: Buffer.from(value) },
});
