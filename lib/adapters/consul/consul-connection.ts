import type { Dispatcher, Pool } from 'undici';
import { withTimeout, type Clock, type EpochMs } from '../../core/common/clock.js';
import { maskOf } from '../../core/registry/adapter-options.js';
import { closedError, RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import { answerError, deniedError, thrownError, type ErrorContext } from './consul-errors.js';
import type { ResolvedConsulOptions } from './consul-options.js';

/** What is used of the HTTP client. Loaded on use. */
export interface Undici {
  Pool: new (origin: string, options: Pool.Options) => Pool;
}

export interface ConsulRequest {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly query?: Record<string, string>;
  readonly body?: string;
  /** Statuses that are answers too, beside 2xx. */
  readonly accept?: readonly number[];
  /**
   * For a request that Consul may keep waiting for so long: it has connections of its own, `signal` ends it, and its
   * answer may take as long as more of it keeps coming.
   */
  readonly waits?: { readonly ms: number; readonly signal: AbortSignal };
}

export interface ConsulAnswer {
  readonly status: number;
  readonly text: string;
  /** How far the part of the store had come that was asked for. */
  readonly index: number;
  /** How long it took to arrive, once it had begun to. */
  readonly loadMs: number;
  /** The agent's clock, in whole seconds; not a number where it does not tell. */
  readonly date: EpochMs;
}

/** An agent serves 200 connections of one client address, where all processes of a machine may share one. */
const CONNECTIONS = 16;

/**
 * Sends requests. Each ends in time, with an answer or with one of the registry's two errors, and is sent at most once.
 * The queue in front of the connections is our own, so that it is known of each request whether it can have been sent.
 *
 *   idle --open--> open --close--> closed
 *     ^____drop_____/
 */
export class ConsulConnection {
  private pools: { readonly calls: Pool; readonly waits: Pool } | undefined;
  private isClosed = false;
  private free = CONNECTIONS;
  private readonly waiting = new Set<() => void>();
  private readonly pending = new Set<(why: string) => void>();
  private readonly context: ErrorContext;

  constructor(
    private readonly client: Undici,
    private readonly options: ResolvedConsulOptions,
    private readonly clock: Clock,
  ) {
    const { token, prefix } = options;
    this.context = { prefix, mask: maskOf(token === undefined ? [] : [token]) };
  }

  /** The one that was asked for; that of the agent where it is undefined. */
  get datacenter(): string | undefined {
    return this.options.datacenter;
  }

  open(): void {
    if (this.isClosed) throw closedError();
    const { origin, callTimeoutMs, tls } = this.options;
    const { serverName, ...pem } = tls;
    // Shorter than a call, so that a call which never reached the agent is known not to have been sent.
    const timeout = Math.ceil(callTimeoutMs * 0.8);
    const connect = { ...pem, ...(serverName !== undefined && { servername: serverName }), timeout };
    // Every request has a deadline of its own, on our clock.
    const settings = { connect, pipelining: 1, allowH2: false, headersTimeout: 0, bodyTimeout: 0 };
    const open = (connections: number | null): Pool => new this.client.Pool(origin, { ...settings, connections });
    this.pools ??= { calls: open(CONNECTIONS), waits: open(null) };
  }

  /** Ends what is under way; `open` may follow. */
  async drop(): Promise<void> {
    const { pools } = this;
    this.pools = undefined;
    for (const end of this.pending) end('The connection to Consul was closed.');
    if (pools) await withTimeout(this.clock, Promise.all([pools.calls.destroy(), pools.waits.destroy()]), 500);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.drop();
  }

  async request(request: ConsulRequest): Promise<ConsulAnswer> {
    if (this.isClosed) throw closedError();
    if (!this.pools) throw unavailable('Not connected to Consul.', false);
    const { callTimeoutMs } = this.options;
    const { path, waits } = request;
    // Consul adds up to a sixteenth to the time it waits, so that not everybody comes back at once.
    const timeoutMs = callTimeoutMs + Math.ceil(((waits?.ms ?? 0) * 17) / 16);
    const abort = new AbortController();
    let isSent = false;
    const end = (why: string): void => abort.abort(unavailable(why, isSent));
    const endWait = (): void => end('Nobody waits for it any more.');
    const endLate = (): void => end(`Consul did not answer ${path} within ${timeoutMs} ms.`);
    const startedAt = this.clock.monotonic();
    let timer = this.clock.setTimer(timeoutMs, endLate);
    // An answer of any length is given up only when nothing more of it comes.
    const heard = (): void => {
      timer.dispose();
      timer = this.clock.setTimer(callTimeoutMs, () => end(`Consul fell silent in its answer to ${path}.`));
    };
    this.pending.add(end);
    waits?.signal.addEventListener('abort', endWait, { once: true });
    const hasTurn = waits === undefined && (await this.turn(abort.signal));
    try {
      // What would be given up at once is better not sent: then it is certain what became of it.
      if (this.clock.monotonic() - startedAt > timeoutMs * 0.9) endLate();
      if (waits?.signal.aborted) endWait();
      abort.signal.throwIfAborted();
      isSent = true;
      return await this.send(request, this.pools, abort.signal, waits && heard);
    } catch (error) {
      throw thrownError(error, this.context);
    } finally {
      if (hasTurn) this.leave();
      timer.dispose();
      this.pending.delete(end);
      waits?.signal.removeEventListener('abort', endWait);
    }
  }

  /** The JSON of an answer. */
  parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw answerError(200, text, this.context);
    }
  }

  denied(what: string): RegistryRefusedError {
    return deniedError(what, this.context.prefix);
  }

  private async send(
    request: ConsulRequest,
    pools: { calls: Pool; waits: Pool },
    signal: AbortSignal,
    heard?: () => void,
  ): Promise<ConsulAnswer> {
    const { method, path, query = {}, body, accept = [], waits } = request;
    const { token, datacenter } = this.options;
    const search = new URLSearchParams({ ...query, ...(datacenter !== undefined && { dc: datacenter }) }).toString();
    const options: Dispatcher.RequestOptions = {
      method,
      path: search === '' ? path : `${path}?${search}`,
      headers: { ...(token !== undefined && { 'x-consul-token': token }) },
      signal,
      ...(body !== undefined && { body }),
    };
    const { statusCode, headers, body: answer } = await (waits ? pools.waits : pools.calls).request(options);
    const beganAt = this.clock.monotonic();
    const parts: Buffer[] = [];
    for await (const part of answer as AsyncIterable<Buffer>) {
      parts.push(part);
      heard?.();
    }
    const text = Buffer.concat(parts).toString();
    if (statusCode >= 300 && !accept.includes(statusCode)) throw answerError(statusCode, text, this.context);
    const index = Number(headers['x-consul-index'] ?? 0);
    const date = Date.parse(String(headers['date']));
    return { status: statusCode, text, index, loadMs: this.clock.monotonic() - beganAt, date };
  }

  /** Waits for a free connection; false where the request is over before. */
  private turn(signal: AbortSignal): Promise<boolean> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const mine = (): void => resolve(true);
      this.waiting.add(mine);
      signal.addEventListener('abort', () => this.waiting.delete(mine) && resolve(false), { once: true });
    });
  }

  private leave(): void {
    const [next] = this.waiting;
    if (!next) this.free++;
    else if (this.waiting.delete(next)) next();
  }
}

const unavailable = (message: string, outcomeUnknown: boolean): RegistryUnavailableError =>
  new RegistryUnavailableError(message, { outcomeUnknown });
