import type { Client } from '@grpc/grpc-js';
import type { Clock } from '../../core/common/clock.js';
import { systemRandom } from '../../core/common/ids.js';
import { maskOf } from '../../core/registry/adapter-options.js';
import { closedError, RegistryUnavailableError, withOutcome } from '../../core/registry/registry-errors.js';
import { EtcdEndpoint } from './etcd-endpoint.js';
import { isAuthOff, isStaleLogin, registryErrorOf, type CallFailure } from './etcd-errors.js';
import type { EtcdClients } from './etcd-library.js';
import type { EtcdCalls } from './etcd-messages.js';
import type { ResolvedEtcdOptions } from './etcd-options.js';
import { EtcdStream, SILENCE, type RawStream } from './etcd-stream.js';

/** Where a call goes, on a connection that is there. */
interface Route {
  readonly endpoint: EtcdEndpoint;
  readonly client: Client;
}

/**
 * The members of the cluster, of which one is used until it fails. Every call ends within twice `callTimeoutMs`: it waits
 * for a connection, then for the answer. With credentials it may have to log in first, which takes as long again. It is
 * sent at most once; only what was refused because a login had expired is sent again, since it was not carried out: after
 * another login, so that in the worst case it ends within eight times `callTimeoutMs`.
 *
 *   idle --open--> open --drop--> idle
 *     '-------------'--close--> closed
 */
export class EtcdConnection {
  /** Credentials were given, and the servers do not ask for any. */
  authIsOff = false;
  private readonly endpoints: readonly EtcdEndpoint[];
  private readonly mask: (text: string) => string;
  private readonly running = new Set<() => void>();
  private preferred: number;
  private isOpen = false;
  private isClosed = false;
  private token: string | undefined;
  private login: Promise<void> | undefined;
  /** Calls that wait for a connection. */
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly clients: EtcdClients,
    private readonly options: ResolvedEtcdOptions,
    private readonly clock: Clock,
  ) {
    const { addresses, user } = options;
    this.mask = maskOf(user ? [user.password] : []);
    this.endpoints = addresses.map((address) => new EtcdEndpoint(address, clients, clock, () => this.wake()));
    // Spreads the nodes over the members.
    this.preferred = Math.floor(systemRandom() * addresses.length);
  }

  open(): void {
    if (this.isClosed) throw closedError();
    this.isOpen = true;
  }

  /** Ends what is under way and leaves nothing behind; `open` begins anew. */
  drop(): void {
    this.isOpen = false;
    this.token = undefined;
    for (const cancel of [...this.running]) cancel();
    for (const endpoint of this.endpoints) endpoint.drop();
    this.wake();
  }

  close(): void {
    this.isClosed = true;
    this.drop();
  }

  async call<M extends keyof EtcdCalls>(method: M, request: EtcdCalls[M][0]): Promise<EtcdCalls[M][1]> {
    const token = await this.authorize();
    try {
      return await this.attempt(method, request, token);
    } catch (error) {
      if (!this.options.user || !isStaleLogin(error)) throw error;
      this.forget(token);
      return await this.attempt(method, request, await this.authorize());
    }
  }

  /** A stream to one member. When it has ended the caller opens another, which may lead to another member. */
  async stream<Request extends object, Response>(method: string): Promise<EtcdStream<Request, Response>> {
    const token = await this.authorize();
    const route = await this.route();
    const raw = this.startStream(route, method, token);
    const stream = new EtcdStream<Request, Response>(raw, this.clock, (failure) => {
      this.running.delete(cancel);
      if (failure) this.judge(route, registryErrorOf(failure, this.mask), failure === SILENCE);
    });
    const cancel = (): void => stream.cancel();
    this.running.add(cancel);
    return stream;
  }

  /** The member that is used at present. */
  get address(): string {
    return this.endpoints[this.preferred]!.address;
  }

  notConnected(within: number): RegistryUnavailableError {
    const problems = this.endpoints.map(({ address, problem = 'no answer' }) => `${address}: ${problem}`);
    const message = `No connection to etcd within ${within} ms (${this.mask(problems.join('; '))}).`;
    return new RegistryUnavailableError(message, { outcomeUnknown: false });
  }

  private startStream({ endpoint, client }: Route, method: string, token: string | undefined): RawStream {
    try {
      return endpoint.stream(client, method, this.clients.metadata(token));
    } catch (failure) {
      throw registryErrorOf(failure as CallFailure, this.mask);
    }
  }

  private async authorize(): Promise<string | undefined> {
    if (this.options.user && this.token === undefined && !this.authIsOff) {
      await (this.login ??= this.logIn(this.options.user).finally(() => (this.login = undefined)));
    }
    return this.token;
  }

  private async logIn(user: { name: string; password: string }): Promise<void> {
    try {
      this.token = (await this.attempt('Auth/Authenticate', user, undefined)).token;
    } catch (error) {
      if (!isAuthOff(error)) throw withOutcome(error, false);
      this.authIsOff = true;
    }
  }

  /** The login with this token is over. */
  private forget(token: string | undefined): void {
    if (this.token !== token) return;
    this.token = undefined;
    this.authIsOff = false;
  }

  private async attempt<M extends keyof EtcdCalls>(
    method: M,
    request: EtcdCalls[M][0],
    token: string | undefined,
  ): Promise<EtcdCalls[M][1]> {
    const route = await this.route();
    const call = route.endpoint.send(route.client, method, request, this.clients.metadata(token));
    let isLate = false;
    const timer = this.clock.setTimer(this.options.callTimeoutMs, () => {
      isLate = true;
      call.cancel();
    });
    this.running.add(call.cancel);
    try {
      return (await call.reply) as EtcdCalls[M][1];
    } catch (failure) {
      const error = isLate ? this.lateError(method) : registryErrorOf(failure as CallFailure, this.mask);
      this.judge(route, error, isLate);
      throw error;
    } finally {
      timer.dispose();
      this.running.delete(call.cancel);
    }
  }

  /** The preferred member, or the next one that there is a connection to. With none at all it is the first to connect. */
  private async route(): Promise<Route> {
    const { callTimeoutMs, connectTimeoutMs } = this.options;
    for (let look = 0; ; look++) {
      if (this.isClosed) throw closedError();
      if (!this.isOpen) throw new RegistryUnavailableError('Not connected to etcd.', { outcomeUnknown: false });
      for (let i = 0; i < this.endpoints.length; i++) {
        const at = (this.preferred + i) % this.endpoints.length;
        const endpoint = this.endpoints[at]!;
        const client = endpoint.ready;
        if (!client) continue;
        this.preferred = at;
        return { endpoint, client };
      }
      if (look === 0) for (const endpoint of this.endpoints) endpoint.connect();
      else if (look === 1) await this.untilReady();
      else break;
    }
    for (const endpoint of this.endpoints) endpoint.dropAttempt(connectTimeoutMs);
    throw this.notConnected(callTimeoutMs);
  }

  /** Or until the time is up: who waits looks for itself. */
  private untilReady(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.dispose();
        this.waiting.delete(wake);
        resolve();
      };
      const timer = this.clock.setTimer(this.options.callTimeoutMs, wake);
      this.waiting.add(wake);
    });
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }

  /** A member that failed is not the next one to be asked, and a connection that stayed silent is not used again. */
  private judge({ endpoint, client }: Route, error: Error, isSilent: boolean): void {
    if (isSilent) endpoint.drop(client);
    if (!(error instanceof RegistryUnavailableError)) return;
    endpoint.problem = isSilent ? 'no answer' : (error.cause as Error).message;
    if (this.endpoints[this.preferred] === endpoint) this.preferred = (this.preferred + 1) % this.endpoints.length;
  }

  private lateError(method: string): RegistryUnavailableError {
    const message = `etcd did not answer ${method} within ${this.options.callTimeoutMs} ms.`;
    return new RegistryUnavailableError(message, { outcomeUnknown: true });
  }
}
