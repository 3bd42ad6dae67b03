import { Socket } from 'node:net';
import { callbackify } from 'node:util';
import { Client, DatabaseError, Pool, type ClientConfig, type PoolClient } from 'pg';
import { RegistryRefusedError, RegistryUnavailableError } from 'nestjs-distributed-schedule';

export type Row = Record<string, unknown>;

/** What a server says that has just lost its tables: schema, table or function not there. */
const EMPTIED = new Set(['3F000', '42P01', '42883']);
/** Answers that may be others next time: connection, standby, conflict, resources, locks, timeouts, shutdown, trouble. */
const PASSING = /^(08|25006|40|53[^1]|55|57|58|XX)/;
/** Of these, the ones after which the work may have been done nevertheless. */
const UNCERTAIN = /^(08|57P)/;
const CURES: Record<string, string> = {
  '28000': 'check the user, the database and pg_hba.conf',
  '28P01': 'check the user and the password',
  '3D000': 'create the database',
  '42501': 'let this user create a schema in this database, or make one that belongs to this user',
  '53100': 'free space on the disk of the server',
};

/**
 * The connections to the server. Each request ends in bounded time, with rows or with one of the registry's two errors, and
 * is sent at most once. After `close()` nothing is left, also when the server does not answer.
 */
export class PostgresConnection {
  private readonly config: ClientConfig;
  private readonly pool: Pool;
  private readonly sockets = new Set<Socket>();
  private ears: Client | undefined;
  private isClosed = false;
  private underWay = 0;
  private whenQuiet: () => void = () => undefined;

  /** @param setUp the statement that makes the tables; run again when a request finds none */
  constructor(
    connection: ClientConfig,
    size: number,
    private readonly timeoutMs: number,
    private readonly setUp: string,
  ) {
    this.config = {
      ...connection,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      keepAlive: true,
      stream: () => this.socket(),
    };
    const verify = callbackify((client: PoolClient) => this.prepare(client));
    this.pool = new Pool({ ...this.config, max: size, verify });
    // Without a listener an 'error' ends the process. Whoever waits for a reply is told anyway; nobody else need know.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** One statement. Tables that went with all data are made again: the server has said that nothing was done. */
  async call(text: string, values: unknown[] = []): Promise<Row[]> {
    try {
      return await this.send(text, values);
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof DatabaseError && EMPTIED.has(cause.code ?? ''))) throw error;
    }
    await this.send(this.setUp, []);
    return this.send(text, values);
  }

  /** Opens the connection that hears of notifications, or proves that it still works; else the next call opens another. */
  async keepListening(channel: string, hear: (payload: string) => void): Promise<void> {
    const client = this.ears ?? new Client(this.config);
    try {
      if (this.ears) return void (await client.query('SELECT 1'));
      client.on('error', () => undefined);
      client.on('end', () => (this.ears = undefined));
      client.on('notification', ({ payload = '' }) => hear(payload));
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      this.ears = client;
    } catch (error) {
      void client.end(); // Where a reply is missing this resets the connection.
      throw registryError(error, false);
    }
  }

  /** Destroys every socket, so that all that waits for an answer gets its error now. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const socket of this.sockets) socket.destroy();
    if (this.underWay > 0) await new Promise<void>((resolve) => (this.whenQuiet = resolve));
    await this.pool.end();
  }

  private async send(text: string, values: unknown[]): Promise<Row[]> {
    if (this.isClosed) throw new RegistryRefusedError('This registry is closed; create a new one.');
    this.underWay++;
    try {
      const client = await this.pool.connect().catch((error: unknown) => {
        throw registryError(error, false);
      });
      try {
        const { rows } = await client.query(text, values);
        client.release();
        return rows as Row[];
      } catch (error) {
        client.release(true); // The reply may still come, and nobody else must take it for theirs.
        throw registryError(error, true);
      }
    } finally {
      if (--this.underWay === 0) this.whenQuiet();
    }
  }

  /** For each new connection. The server gives up before we do: then its answer is certain. */
  private async prepare(client: PoolClient): Promise<void> {
    // The functions must see what others committed while they waited for their turn: other isolations would not let them.
    const { rows } = await client.query<{ standby: boolean }>(
      `SELECT set_config('default_transaction_isolation', 'read committed', false),
         set_config('statement_timeout', $1, false), pg_is_in_recovery() AS standby`,
      [String(Math.ceil(this.timeoutMs * 0.8))],
    );
    if (rows[0]!.standby) throw new Error('this is a standby, which takes no writes');
  }

  private socket(): Socket {
    const socket = new Socket();
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // A request that waited for its turn while the registry was closed gets its error from this.
    if (this.isClosed) setImmediate(() => socket.destroy());
    return socket;
  }
}

/** An answer of the server is certain; when there is none, all depends on whether the request had been sent. */
export function registryError(thrown: unknown, wasSent: boolean): Error {
  const { message, code = '' } = thrown as Error & { code?: string };
  const isAnswer = thrown instanceof DatabaseError;
  if (isAnswer ? PASSING.test(code) : !message.startsWith('SASL')) {
    const outcomeUnknown = wasSent && (!isAnswer || UNCERTAIN.test(code));
    return new RegistryUnavailableError(`PostgreSQL is not available (${message || code}).`, {
      outcomeUnknown,
      cause: thrown,
    });
  }
  const cure = CURES[isAnswer ? code : '28P01'];
  return new RegistryRefusedError(`PostgreSQL refused the request (${message})${cure ? `: ${cure}` : ''}.`, thrown);
}
