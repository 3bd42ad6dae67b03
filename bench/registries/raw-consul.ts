import { Pool } from 'undici';
import { lost, type BenchClient, type Claim } from './client.js';

/** What one transaction may hold. */
const TXN_OPERATIONS = 64;
const CONNECTIONS = 64;

interface TxnReply {
  Results: { KV: { ModifyIndex: number } }[] | null;
}

interface Row {
  Key: string;
  Value: string;
  ModifyIndex: number;
}

/**
 * An `undici` pool. A claim is a transaction with one operation, because the answer to `PUT ?cas=` does not tell the new
 * index, and without it there is no next claim.
 */
export class RawConsul implements BenchClient {
  private readonly requests: Pool;
  private readonly waits: Pool;
  private readonly stopped = new AbortController();
  private watching: Promise<void> | undefined;

  constructor({ host, port }: { host: string; port: number }) {
    this.requests = new Pool(`http://${host}:${port}`, { connections: CONNECTIONS });
    this.waits = new Pool(`http://${host}:${port}`, { connections: 1 });
  }

  async claim(claim: Claim): Promise<string> {
    return (await this.transact([claim]))[0]!;
  }

  async claimAll(claims: readonly Claim[]): Promise<string[]> {
    const parts = Array.from({ length: Math.ceil(claims.length / TXN_OPERATIONS) }, (_, i) =>
      this.transact(claims.slice(i * TXN_OPERATIONS, (i + 1) * TXN_OPERATIONS)),
    );
    return (await Promise.all(parts)).flat();
  }

  async put(key: string, value: string): Promise<void> {
    const { body } = await this.requests.request({ method: 'PUT', path: `/v1/kv/raw/${key}`, body: value });
    if ((await body.text()).trim() !== 'true') lost(key);
  }

  async watch(prefix: string, onValue: (value: string) => void): Promise<void> {
    const first = await this.ask(prefix, 0);
    this.watching = this.follow(prefix, first.index, onValue);
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await this.watching;
    await Promise.all([this.requests.close(), this.waits.destroy()]);
  }

  private async transact(claims: readonly Claim[]): Promise<string[]> {
    const operations = claims.map(({ key, value, revision }) => ({
      KV: {
        Verb: 'cas',
        Key: `raw/${key}`,
        Value: Buffer.from(value).toString('base64'),
        Index: Number(revision ?? 0),
      },
    }));
    const { statusCode, body } = await this.requests.request({
      method: 'PUT',
      path: '/v1/txn',
      body: JSON.stringify(operations),
    });
    const reply = await body.text();
    if (statusCode !== 200) lost(`${claims[0]!.key} (${statusCode}: ${reply})`);
    return (JSON.parse(reply) as TxnReply).Results!.map(({ KV }) => String(KV.ModifyIndex));
  }

  private async follow(prefix: string, from: number, onValue: (value: string) => void): Promise<void> {
    for (let index = from; !this.stopped.signal.aborted;) {
      const next = await this.ask(prefix, index).catch((error: unknown) => {
        if (this.stopped.signal.aborted) return undefined;
        throw error;
      });
      if (!next) return;
      for (const row of next.rows) {
        if (row.ModifyIndex > index) onValue(Buffer.from(row.Value, 'base64').toString());
      }
      index = next.index;
    }
  }

  private async ask(prefix: string, index: number): Promise<{ rows: Row[]; index: number }> {
    const { statusCode, headers, body } = await this.waits.request({
      method: 'GET',
      path: `/v1/kv/raw/${prefix}?recurse&index=${index}&wait=60s`,
      signal: this.stopped.signal,
    });
    const text = await body.text();
    return { rows: statusCode === 200 ? (JSON.parse(text) as Row[]) : [], index: Number(headers['x-consul-index']) };
  }
}
