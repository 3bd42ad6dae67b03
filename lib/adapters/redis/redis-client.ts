/**
 * What the adapter needs of an ioredis `Redis` or `Cluster`. Commands go through `call`, because both classes and both
 * supported major versions have it with the same meaning.
 */
export interface RedisClient {
  readonly status: string;
  connect(): Promise<void>;
  /** Closes the connection without waiting for replies; what is pending is rejected. */
  disconnect(): void;
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  once(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** Opens connections to one place. Every connection it opens belongs to the registry and is closed by it. */
export interface RedisClients {
  readonly topology: 'standalone' | 'sentinel' | 'cluster';
  /** Texts that must not appear in errors, logs and descriptions. */
  readonly secrets: readonly string[];
  /** For commands: reconnects by itself and never sends anything twice. */
  commands(): RedisClient;
  /** For one subscription: when it ends it stays ended, and the caller opens another one. */
  subscriber(commands: RedisClient): RedisClient;
  /** The primaries behind a client. */
  servers(commands: RedisClient): RedisClient[];
}
