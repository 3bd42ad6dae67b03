import { randomUUID } from 'node:crypto';
import type { ClientConfig } from 'pg';
import {
  DistributedScheduleError,
  RegistryUnavailableError,
  type Change,
  type Disposable,
  type Entry,
  type Page,
  type Registry,
  type RegistryCapabilities,
  type RegistryInfo,
  type RegistrySession,
  type Write,
  type WriteResult,
} from 'nestjs-distributed-schedule';
import { PostgresConnection, type Row } from './postgres-connection.js';
import { setUpSql } from './postgres-schema.js';

export interface PostgresRegistryOptions {
  /** As for `pg`: `{ connectionString: 'postgres://user:password@host/database' }`, and `ssl` and the like. */
  connection: ClientConfig;
  /** Holds everything. Registries with different schemas never meet. @default 'nds' */
  schema?: string;
  /** How long a request may wait for a connection, and again for its answer. @default 2000 */
  callTimeoutMs?: number;
  /** Connections for requests; one more hears of changes. @default 4 */
  connections?: number;
}

/** How late a node may notice that a session is over, or a change whose notification was lost. */
const POLL_MS = 1_000;
const LONGEST_PAGE = 500;
/** More changes than this at once, and watchers are told to list again: lists come in pages. */
const MOST_CHANGES = 1_000;
const PART_WRITES = 500;
const PART_LENGTH = 4_000_000;

interface Listener {
  readonly prefix: string;
  readonly tell: (change: Change) => void;
}

/**
 * A registry on PostgreSQL 12 or later: on the primary server, in a database encoded in UTF-8, and not through a pooler that
 * changes the connection between two statements, because settings and notifications belong to a connection.
 */
export class PostgresRegistry implements Registry {
  readonly kind = 'postgres';
  readonly capabilities: RegistryCapabilities = {
    minSessionTtlMs: 1_000,
    ttlResolutionMs: POLL_MS,
    maxValueBytes: 1024 * 1024,
    serverTime: true,
    durability: 'what was answered is on disk; across a failover as the replication is synchronous',
  };
  private readonly schema: string;
  private readonly connection: PostgresConnection;
  private readonly listeners = new Set<Listener>();
  /** A token of the log: everything up to there has been told. */
  private position: string | undefined;
  private reading: Promise<void> | undefined;
  private readAgain = false;
  private firstBeat: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private problem: string | undefined;

  constructor({ connection, schema = 'nds', callTimeoutMs = 2_000, connections = 4 }: PostgresRegistryOptions) {
    if (!/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) {
      const message = `schema: ${JSON.stringify(schema)} must be at most 51 lower-case letters, digits and _`;
      throw new DistributedScheduleError('INVALID_OPTIONS', message);
    }
    this.schema = schema;
    this.connection = new PostgresConnection(connection, connections, callTimeoutMs, setUpSql(schema));
  }

  /** One attempt. What failed leaves nothing behind, so it may be called again. */
  async connect(): Promise<void> {
    await this.connection.call(setUpSql(this.schema));
    await (this.firstBeat ??= this.beat());
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.timer);
    this.listeners.clear();
    await this.connection.close();
  }

  /** Always from the primary, so every read is fresh. */
  async get(key: string): Promise<Entry | undefined> {
    const [row] = await this.connection.call(
      `SELECT key, value, token, session FROM ${this.schema}.documents WHERE key = $1`,
      [key],
    );
    return row && entryOf(row);
  }

  async list(prefix: string, { limit = LONGEST_PAGE, after = '' }: Page = {}): ReturnType<Registry['list']> {
    const size = Math.min(limit, LONGEST_PAGE);
    // No key goes on for longer than with 300 of the last of all characters.
    const rows = await this.connection.call(
      `SELECT key, value, token, session FROM ${this.schema}.documents
       WHERE key >= $1 AND key <= $1 || repeat(chr(1114111), 300) AND key > $2 ORDER BY key LIMIT $3`,
      [prefix, after, size + 1],
    );
    const entries = rows.slice(0, size).map(entryOf);
    return rows.length > size ? { entries, next: entries.at(-1)!.key } : { entries };
  }

  async commit(writes: readonly Write[]): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    while (results.length < writes.length) {
      const part = partOf(writes, results.length);
      const columns = [
        part.map(({ key }) => key),
        part.map(({ value }) => (value === undefined ? null : Buffer.from(value))),
        part.map((write) => write.if ?? null),
        part.map(({ session }) => session ?? null),
      ];
      const rows = await this.connection
        .call(`SELECT * FROM ${this.schema}.write($1, $2, $3, $4)`, columns)
        .catch((error: Error) => {
          throw results.length === 0 ? error : partlyDone(error);
        });
      results.push(...rows.map((row, i) => resultOf(part[i]!.key, row)));
    }
    return results;
  }

  async openSession({ ttlMs }: { ttlMs: number }): Promise<RegistrySession> {
    const { schema, connection } = this;
    const granted = Math.max(this.capabilities.minSessionTtlMs, Math.ceil(ttlMs));
    const id = randomUUID();
    const open = `INSERT INTO ${schema}.sessions VALUES ($1, clock_timestamp() + $2 * interval '1 ms')`;
    await connection.call(open, [id, granted]);
    return {
      id,
      ttlMs: granted,
      async renew() {
        const [row] = await connection.call(`SELECT ${schema}.renew($1, $2) AS renewed`, [id, granted]);
        return row!.renewed ? 'renewed' : 'expired';
      },
      async end() {
        await connection.call(`SELECT ${schema}.enter($1)`, [id]);
      },
    };
  }

  async serverTime(): Promise<number> {
    const [row] = await this.connection.call('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
    return Number(row!.now);
  }

  /** Everything after the position will be told, notified or not; the first watch takes the newest one. */
  async watch(prefix: string, tell: (change: Change) => void): Promise<Disposable> {
    const listener = { prefix, tell };
    this.listeners.add(listener);
    try {
      await this.reading; // It has not asked for this prefix; whatever is read from now on does.
      if (this.position === undefined) {
        const [row] = await this.connection.call(`SELECT coalesce(max(token), 0) AS head FROM ${this.schema}.log`);
        this.position ??= String(row!.head);
      }
    } catch (error) {
      this.listeners.delete(listener);
      throw error;
    }
    return { dispose: () => void this.listeners.delete(listener) };
  }

  async describe(): Promise<RegistryInfo> {
    const [row] = await this.connection.call(`SELECT current_setting('server_version') AS version,
      current_setting('server_version_num')::int AS number, current_setting('server_encoding') AS encoding,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
      current_setting('synchronous_standby_names') AS names, (SELECT count(*) FROM pg_stat_replication)::int AS standbys`);
    const { version, number, encoding, fsync, sync, names, standbys } = row as Record<string, string | number>;
    const warnings = [
      Number(number) < 120_000 && `PostgreSQL ${version} is older than 12, the oldest one supported.`,
      encoding !== 'UTF8' && `The database is encoded in ${encoding}; use one in UTF8.`,
      fsync === 'off' && 'fsync is off: a crash of the machine may lose claims. Set it to on.',
      sync === 'off' && 'synchronous_commit is off: a crash of the server may lose claims. Set it to on.',
      Number(standbys) > 0 &&
        names === '' &&
        'Replication is asynchronous: a standby that takes over may lack the last claims. Set synchronous_standby_names.',
      this.problem && `Changes are seen late or not at all: ${this.problem}`,
    ];
    return {
      kind: this.kind,
      version: String(version),
      topology: standbys === 0 ? 'standalone' : `primary with ${standbys} standby server(s)`,
      warnings: warnings.filter((warning) => typeof warning === 'string'),
    };
  }

  /** Once a second: ends sessions, sees that notifications come, and reads what was missed while they did not. */
  private async beat(): Promise<void> {
    try {
      await this.connection.call(`SELECT ${this.schema}.tidy()`);
      await this.connection.keepListening(this.schema, (folders) => this.hear(folders.split('\n')));
      this.problem = undefined;
    } catch (error) {
      this.problem = (error as Error).message; // Callers see an outage in their own calls; `describe` tells the rest.
    }
    this.readOn();
    if (!this.isClosed) this.timer = setTimeout(() => void this.beat(), POLL_MS);
  }

  private hear(folders: readonly string[]): void {
    const concerns = ({ prefix }: Listener): boolean =>
      folders.some((folder) => folder.startsWith(prefix) || prefix.startsWith(folder));
    if ([...this.listeners].some(concerns)) this.readOn();
  }

  /** Reads what the log has after the position; once more, if it is being read already. */
  private readOn(): void {
    if (this.reading) {
      this.readAgain = true;
      return;
    }
    this.reading = this.read()
      .catch((error: unknown) => void (this.problem = (error as Error).message)) // The position stays for the next beat.
      .finally(() => {
        this.reading = undefined;
        if (this.readAgain) {
          this.readAgain = false;
          this.readOn();
        }
      });
  }

  private async read(): Promise<void> {
    if (this.position === undefined || this.listeners.size === 0) return;
    const prefixes = [...new Set([...this.listeners].map(({ prefix }) => prefix))];
    const rows = await this.connection.call(changesSql(this.schema), [this.position, prefixes, MOST_CHANGES + 1]);
    const { head, known } = rows[0]!;
    this.position = String(head);
    if (known && rows.length <= MOST_CHANGES) {
      for (const row of rows) if (row.key !== null) this.deliver(row);
    } else {
      // The position is gone: trimmed, or the data was lost or restored. Something may have been missed.
      for (const { tell } of [...this.listeners]) tell({ type: 'resync' });
    }
  }

  private deliver(row: Row): void {
    const key = row.key as string;
    const change: Change = row.token === null ? { type: 'deleted', key } : { type: 'put', entry: entryOf(row) };
    for (const listener of [...this.listeners]) {
      if (key.startsWith(listener.prefix) && this.listeners.has(listener)) listener.tell(change);
    }
  }
}

/** Each key that changed after a position, once, as it is now; with the newest position, and whether the old one is there. */
const changesSql = (schema: string): string => `
  WITH since AS (SELECT token, keys FROM ${schema}.log WHERE token >= $1),
  changed AS (
    SELECT key, max(token) AS at FROM since, unnest(keys) AS key
    WHERE token > $1 AND key ^@ ANY ($2) GROUP BY key ORDER BY at LIMIT $3
  )
  SELECT (SELECT coalesce(max(token), 0) FROM ${schema}.log) AS head, EXISTS (SELECT FROM since WHERE token = $1) AS known,
    changed.key, d.value, d.token, d.session
  FROM (VALUES (1)) AS one LEFT JOIN changed ON true LEFT JOIN ${schema}.documents d ON d.key = changed.key
  ORDER BY changed.at`;

function entryOf({ key, value, token, session }: Row): Entry {
  return {
    key: key as string,
    value: (value as Buffer).toString(),
    revision: token as string,
    token: BigInt(token as string),
    ...(session !== null && { session: session as string }),
  };
}

function resultOf(key: string, row: Row): WriteResult {
  const { done, expired, token } = row;
  if (done) return { ok: true, revision: token as string, token: BigInt(token as string) };
  if (expired) return { ok: false, sessionExpired: true };
  return token === null ? { ok: false } : { ok: false, current: entryOf({ ...row, key }) };
}

/** As many writes as one call should carry. */
function partOf(writes: readonly Write[], from: number): readonly Write[] {
  let to = from;
  for (let length = 0; to < writes.length && to - from < PART_WRITES && length < PART_LENGTH; to++) {
    length += writes[to]!.value?.length ?? 0;
  }
  return writes.slice(from, to);
}

/** Of a commit whose first part is done and whose next one failed only this is true as a whole. */
const partlyDone = (error: Error): Error =>
  new RegistryUnavailableError(error.message, { outcomeUnknown: true, cause: error.cause });
