import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { RunningServer, ServerKind, StartOptions } from './server.js';
import { startServer } from './start-server.js';

export interface PostgresOptions extends StartOptions {
  /** Default `none`: nothing is forced onto the disk. A kill loses nothing even so, only the end of the machine would. */
  durability?: 'none' | 'always';
}

/** The superuser `postgres` comes in without a password; everybody else needs one. */
const ACCESS = `
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
`;

export const postgres: ServerKind<PostgresOptions> = {
  name: 'postgres',
  variable: 'POSTGRES_URL',
  program: {
    executable: 'postgres',
    packages: ['postgresql'],
    versionsIn: 'usr/lib/postgresql',
    refusesRoot: true,
  },
  ports: 1,
  url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  commandLine({ ports: [port], dir }, { durability = 'none' }) {
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      password_encryption: 'scram-sha-256', // Older servers would keep what they then refuse to compare with.
      fsync: durability === 'always' ? 'on' : 'off',
    };
    return ['-D', dir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  },
  async prepare(dir, run) {
    if (existsSync(join(dir, 'PG_VERSION'))) return;
    await run('initdb', ['-D', dir, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync']);
    writeFileSync(join(dir, 'pg_hba.conf'), ACCESS);
  },
  async answers(address) {
    // It asks for a password or lets us in; one that is still starting says that instead.
    return (await firstWord(address)) === 'R';
  },
};

export const startPostgres = (options: PostgresOptions = {}): Promise<RunningServer> => startServer(postgres, options);

/** The type of the first message that a server sends to a user who wants to come in. */
function firstWord({ host, port }: { host: string; port: number }): Promise<string> {
  const wishes = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + wishes.length, 0);
  head.writeInt32BE(0x3_0000, 4); // version 3.0 of the protocol
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(Buffer.concat([head, wishes])));
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer within 1 s')));
    socket.once('data', (reply) => {
      resolve(reply.toString('latin1', 0, 1));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}
