import type { Client, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../core/common/clock.js';
import { errorMessage } from '../../core/common/errors.js';
import type { CallFailure } from './etcd-errors.js';
import type { EtcdClients } from './etcd-library.js';
import type { RawStream } from './etcd-stream.js';

/** gRPC's number for a failed connection. */
const UNAVAILABLE = 14;

/** What the library puts around the reason. */
const LIBRARY_WORDS =
  /^No connection established\. Last error: (?:Error: )?|\.? Resolution note: .*$| \([-\d]+T[\d:.]+Z\)/g;

/** A call under way. */
export interface Call<T> {
  /** Rejects with a `CallFailure`. */
  readonly reply: Promise<T>;
  /** Ends it now. What was sent may still be carried out. */
  readonly cancel: () => void;
}

/**
 * One member and the connection to it, which is made on first use and made again by the client library when it is lost.
 * A connection that has gone silent looks like any other, so whoever notices drops it; what is under way on it may end.
 *
 *   idle --connect--> connecting <--> ready
 *     ^__________________|_____________|   drop
 */
export class EtcdEndpoint {
  /** Why there is no connection, in the library's words. */
  problem: string | undefined;
  private client: Client | undefined;
  /** Since when there has been no connection; undefined while there is one, or none is wanted. */
  private since: number | undefined;
  private probe: Call<unknown> | undefined;

  constructor(
    readonly address: string,
    private readonly clients: EtcdClients,
    private readonly clock: Clock,
    private readonly onReady: () => void,
  ) {}

  /** The client to send with; undefined while there is no connection. */
  get ready(): Client | undefined {
    return this.client?.getChannel().getConnectivityState(false) === this.clients.READY ? this.client : undefined;
  }

  connect(): void {
    if (this.client) return;
    this.since = this.clock.monotonic();
    this.client = this.clients.open(this.address);
    this.follow(this.client);
  }

  /** Drops the connection if it is still this one. */
  drop(client = this.client): void {
    if (client === undefined || client !== this.client) return;
    this.client = undefined;
    this.since = undefined;
    this.probe?.cancel();
    client.close();
  }

  /** Drops an attempt to connect that is older than this: the operating system would try for minutes. */
  dropAttempt(olderThanMs: number): void {
    if (this.since !== undefined && this.clock.monotonic() - this.since > olderThanMs) this.drop();
  }

  /** Sends one message and takes one, also where the method is a stream. */
  send(client: Client, method: string, request: object, metadata: Metadata): Call<unknown> {
    const { path, requestSerialize, responseDeserialize, requestStream } = this.clients.methods(method);
    let cancel = (): void => undefined;
    const reply = new Promise<unknown>((resolve, reject) => {
      if (requestStream) {
        const stream = this.stream(client, method, metadata);
        cancel = () => stream.cancel();
        stream.on('data', resolve);
        stream.on('error', reject);
        stream.on('end', () => reject(failureOf('the stream has ended')));
        stream.end(request);
      } else {
        const done = (failure: ServiceError | null, response?: object): void =>
          failure ? reject(failure) : resolve(response);
        const start = (): ClientUnaryCall =>
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, {}, done);
        const call = started(start);
        cancel = () => call.cancel();
      }
    });
    return { reply, cancel: () => cancel() };
  }

  stream(client: Client, method: string, metadata: Metadata): RawStream {
    const { path, requestSerialize, responseDeserialize } = this.clients.methods(method);
    return started(() => client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {}));
  }

  private follow(client: Client): void {
    if (client !== this.client) return;
    this.probe?.cancel();
    const channel = client.getChannel();
    const state = channel.getConnectivityState(true);
    if (state === this.clients.READY) {
      this.since = undefined;
      this.onReady();
    } else {
      this.since ??= this.clock.monotonic();
      if (state === this.clients.FAILED) this.learnWhy(client);
    }
    channel.watchConnectivityState(state, Infinity, () => this.follow(client));
  }

  /** The library tells the reason only to a call, which it fails at once. */
  private learnWhy(client: Client): void {
    this.probe = this.send(client, 'Maintenance/Status', {}, this.clients.metadata(undefined));
    this.probe.reply.catch(({ code, details }: CallFailure) => {
      if (code === UNAVAILABLE) this.problem = details.replace(LIBRARY_WORDS, '');
    });
  }
}

/** The library throws where its connection was dropped a moment ago. */
function started<T>(start: () => T): T {
  try {
    return start();
  } catch (error) {
    throw failureOf(`No connection established (${errorMessage(error)})`);
  }
}

const failureOf = (details: string): Error & CallFailure =>
  Object.assign(new Error(details), { code: UNAVAILABLE, details });
