import { connect } from 'node:net';
import type { RunningServer, ServerKind, StartOptions } from './server.js';
import { startServer } from './start-server.js';

export interface RedisOptions extends StartOptions {
  /**
   * What survives a kill: `none` keeps all in memory; `everysec` may lose the last second; `always` loses nothing that
   * was answered. Default `none`.
   */
  durability?: 'none' | 'everysec' | 'always';
}

export const redis: ServerKind<RedisOptions> = {
  name: 'redis',
  variable: 'REDIS_URL',
  program: { executable: 'redis-server', packages: ['redis-server', 'redis-tools'] },
  ports: 1,
  url: (port) => `redis://127.0.0.1:${port}`,
  commandLine({ ports: [port], dir }, { durability = 'none' }) {
    const log = durability === 'none' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', durability];
    return ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--daemonize', 'no', ...log];
  },
  async answers(address) {
    // A server that wants a password is ready too; one that still loads its data is not.
    return /^(\+PONG|-NOAUTH)/.test(await redisCommand(address, 'PING', 1_000));
  },
};

export const startRedis = (options: RedisOptions = {}): Promise<RunningServer> => startServer(redis, options);

/**
 * Sends one inline command and returns the first piece of the reply as it is. No client library: this is how the harness and its
 * tests look at the server itself.
 */
export function redisCommand(
  address: { host: string; port: number },
  command: string,
  withinMs = 5_000,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.port, address.host, () => socket.write(`${command}\r\n`));
    socket.setTimeout(withinMs, () => socket.destroy(new Error(`no reply to ${command} within ${withinMs} ms`)));
    socket.once('data', (reply) => {
      resolve(reply.toString());
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${address.host}:${address.port} closed the connection`)));
  });
}
