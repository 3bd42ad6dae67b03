import { Redis, type Result } from 'ioredis';
import { lost, type BenchClient, type Claim } from './client.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    benchClaim(keys: number, ...args: string[]): Result<number[], Context>;
  }
}

/** Compares and sets, and nothing else: no tokens, no sessions, no index, no log. */
const CLAIM = `
local results = {}
for i = 1, #KEYS do
  if (redis.call('HGET', KEYS[i], 'r') or '0') == ARGV[2 * i - 1] then
    redis.call('HSET', KEYS[i], 'v', ARGV[2 * i])
    results[i] = redis.call('HINCRBY', KEYS[i], 'r', 1)
  else
    results[i] = 0
  end
end
return results`;

const CHANNEL = 'bench:changes';

/** `ioredis` with one small script. */
export class RawRedis implements BenchClient {
  private readonly commands: Redis;
  private subscriber: Redis | undefined;

  constructor({ host, port }: { host: string; port: number }) {
    this.commands = new Redis({ host, port });
    this.commands.defineCommand('benchClaim', { lua: CLAIM });
  }

  async claim(claim: Claim): Promise<string> {
    return (await this.claimAll([claim]))[0]!;
  }

  async claimAll(claims: readonly Claim[]): Promise<string[]> {
    const keys = claims.map(({ key }) => `raw:${key}`);
    const args = claims.flatMap(({ revision, value }) => [revision ?? '0', value]);
    const revisions = await this.commands.benchClaim(claims.length, ...keys, ...args);
    return revisions.map((revision, i) => (revision > 0 ? String(revision) : lost(claims[i]!.key)));
  }

  async put(key: string, value: string): Promise<void> {
    await this.commands.multi().set(`raw:${key}`, value).publish(CHANNEL, value).exec();
  }

  async watch(_prefix: string, onValue: (value: string) => void): Promise<void> {
    this.subscriber = this.commands.duplicate();
    this.subscriber.on('message', (_channel, value) => onValue(value));
    await this.subscriber.subscribe(CHANNEL);
  }

  async close(): Promise<void> {
    await Promise.all([this.commands.quit(), this.subscriber?.quit()]);
  }
}
