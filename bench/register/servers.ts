import { Pool } from 'pg';
import { startPostgres } from '../../test/support/servers/postgres.js';
import { STORES, type Store } from '../registries/stores.js';

export type Server = Pick<Store, 'settings' | 'start' | 'heldBytes'>;

const postgres: Server = {
  settings: 'fsync on',
  start: () => startPostgres({ killable: true, durability: 'always' }),
  async heldBytes({ host, port }) {
    const pool = new Pool({ connectionString: `postgres://postgres@${host}:${port}/postgres`, max: 1 });
    try {
      const { rows } = await pool.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
      return Number(rows[0]!.bytes);
    } finally {
      await pool.end();
    }
  },
};

/** All run as somebody does who wants to keep the data. */
export const SERVERS: Readonly<Record<string, Server>> = { ...STORES, postgres };
