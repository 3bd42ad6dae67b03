import { TIMED_OUT, withTimeout, type Clock } from '../../core/common/clock.js';
import { maskOf } from '../../core/registry/adapter-options.js';
import { closedError, RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { RedisClient, RedisClients } from './redis-client.js';
import { registryErrorOf } from './redis-errors.js';
import type { KeyGroup } from './redis-keys.js';
import { scriptNamed, type ScriptCall, type ScriptName } from './redis-scripts.js';

export interface ConnectionTiming {
  readonly clock: Clock;
  readonly callTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/**
 * The connection for commands. Every request ends within `callTimeoutMs`, with a reply or with one of the registry's
 * two errors; a request is sent at most once.
 *
 *   idle --connect--> open --close--> closed
 *     ^_____________/  connect failed: nothing is left behind, and it may be tried again
 */
export class RedisConnection {
  private client: RedisClient | undefined;
  private isClosed = false;
  private lastError: unknown;
  private giveUp: ((error: Error) => void) | undefined;
  readonly mask: (text: string) => string;

  constructor(
    readonly clients: RedisClients,
    private readonly timing: ConnectionTiming,
    /** Called when the connection has come back after a loss. */
    private readonly onReady: () => void,
  ) {
    this.mask = maskOf(clients.secrets);
  }

  async connect(): Promise<void> {
    if (this.isClosed) throw closedError();
    const client = this.clients.commands();
    this.lastError = undefined;
    const note = (error: unknown): void => void (this.lastError = error);
    client.on('error', note);
    client.on('node error', note);
    this.client = client;
    try {
      await this.untilReady(client);
      await Promise.all(this.clients.servers(client).map((server) => this.sendTo(server, 'ping')));
    } catch (error) {
      await this.drop();
      throw error;
    }
    this.lastError = undefined;
    client.on('ready', () => {
      this.lastError = undefined;
      this.onReady();
    });
  }

  /** Closes the connection that is there; `connect` may open another. */
  async drop(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    if (client) await disconnect(client, this.timing.clock);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.giveUp?.(closedError());
    await this.drop();
  }

  /** Runs a script on a group of keys, loading it where the server does not have it (which means: it did not run). */
  async run<N extends ScriptName>(name: N, group: KeyGroup, args: ScriptCall<N>): Promise<unknown> {
    const { body, sha } = scriptNamed(name);
    const rest = [group.keys.length, ...group.keys, ...(args as readonly string[])];
    try {
      return await this.send('evalsha', sha, ...rest);
    } catch (error) {
      if (!/NOSCRIPT/.test((error as Error).message)) throw error;
      return this.send('eval', body, ...rest);
    }
  }

  async send(command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.sendTo(this.requireClient(), command, ...args);
  }

  /** The client to open a subscription or read a server's state with. */
  requireClient(): RedisClient {
    if (this.isClosed) throw closedError();
    const { client } = this;
    if (client?.status === 'ready') return client;
    // The library gives up on some errors of name resolution and of Sentinels; a registry that is open does not.
    if (client?.status === 'end') client.connect().catch((error: unknown) => (this.lastError = error));
    throw this.notConnected();
  }

  async sendTo(client: RedisClient, command: string, ...args: (string | number)[]): Promise<unknown> {
    const { clock, callTimeoutMs } = this.timing;
    let reply: unknown;
    try {
      reply = await withTimeout(clock, client.call(command, ...args), callTimeoutMs);
    } catch (error) {
      throw registryErrorOf(error, this.mask);
    }
    if (reply !== TIMED_OUT) return reply;
    const message = `Redis did not answer ${command} within ${callTimeoutMs} ms.`;
    throw new RegistryUnavailableError(message, { outcomeUnknown: true });
  }

  /** Refusals (credentials) end the wait at once; whatever else fails is tried again until the time is up. */
  private async untilReady(client: RedisClient): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.giveUp = reject;
      const refuse = (error: unknown): void => {
        const mapped = registryErrorOf(error, this.mask);
        if (mapped instanceof RegistryRefusedError) reject(mapped);
      };
      client.once('ready', () => resolve());
      client.on('error', refuse);
      client.on('node error', refuse);
      client.connect().catch((error: unknown) => (this.lastError ??= error));
    });
    if ((await withTimeout(this.timing.clock, ready, this.timing.connectTimeoutMs)) === TIMED_OUT) {
      throw this.notConnected(` within ${this.timing.connectTimeoutMs} ms`);
    }
  }

  private notConnected(within = ''): RegistryUnavailableError | RegistryRefusedError {
    const known = this.lastError === undefined ? undefined : registryErrorOf(this.lastError, this.mask);
    if (known instanceof RegistryRefusedError) return known;
    const why = known ? ` (${(known.cause as Error).message})` : '';
    return new RegistryUnavailableError(`No connection to Redis${within}${why}.`, { outcomeUnknown: false });
  }
}

/** Closes a client of ours and waits until its sockets are gone; a peer that does not answer cannot delay it. */
export async function disconnect(client: RedisClient, clock: Clock): Promise<void> {
  if (client.status === 'end') return;
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  // While it waits to connect again there is no socket, and no event will come.
  const isIdle = client.status === 'reconnecting' || client.status === 'wait';
  client.disconnect();
  if (!isIdle) await withTimeout(clock, ended, 500);
}
