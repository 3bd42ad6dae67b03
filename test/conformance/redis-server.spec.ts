import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { isAlive } from '../support/servers/cache.js';
import { redisCommand, startRedis, type RedisOptions } from '../support/servers/redis.js';
import type { RunningServer } from '../support/servers/server.js';

/** Fetching the program on a fresh machine is in this time. */
const FIRST_START_MS = 120_000;

describe('a real Redis server', () => {
  const started: RunningServer[] = [];
  const start = async (options: RedisOptions = {}): Promise<RunningServer> => {
    const server = await startRedis({ killable: true, ...options });
    started.push(server);
    return server;
  };

  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
  });

  it(
    'starts on a free port, and leaves nothing behind',
    async () => {
      const [one, two] = [await start(), await start({ args: ['--databases', '3'] })];
      expect(await redisCommand(one, 'PING')).toBe('+PONG\r\n');
      expect(await redisCommand(two, 'CONFIG GET databases')).toContain('$1\r\n3');
      const { pid, scratch } = one;
      await one.stop();
      await one.stop();
      expect([isAlive(pid!), existsSync(scratch!), one.pid]).toEqual([false, false, undefined]);
    },
    FIRST_START_MS,
  );

  it('is killed, and comes back on the same port with what it had written', async () => {
    const server = await start({ durability: 'always' });
    await redisCommand(server, 'SET answer 42');
    const { pid, url } = server;
    await server.kill();
    await expect(redisCommand(server, 'PING')).rejects.toThrow('ECONNREFUSED');
    await server.restart({ keepData: true });
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await redisCommand(server, 'GET answer')).toBe('$2\r\n42\r\n');
  });

  it('comes back empty when its data is lost', async () => {
    const server = await start({ durability: 'always' });
    await redisCommand(server, 'SET answer 42');
    await server.restart({ keepData: false });
    expect(await redisCommand(server, 'DBSIZE')).toBe(':0\r\n');
  });

  it('comes back with the data of an earlier day', async () => {
    const server = await start({ durability: 'always' });
    await redisCommand(server, 'SET answer 42');
    expect(() => server.saveData()).toThrow('only while the server is down');
    await server.kill();
    const backup = server.saveData();
    await server.restart({ keepData: true });
    await redisCommand(server, 'SET answer 43');
    await server.restart({ data: backup });
    expect(await redisCommand(server, 'GET answer')).toBe('$2\r\n42\r\n');
  });

  it('is paused: it takes connections and answers nothing, until it is resumed', async () => {
    const server = await start();
    server.pause();
    await expect(redisCommand(server, 'PING', 200)).rejects.toThrow('no reply to PING within 200 ms');
    server.resume();
    expect(await redisCommand(server, 'PING')).toBe('+PONG\r\n');
    server.pause();
    await server.stop();
    expect(server.pid).toBeUndefined();
  });

  it('says why it did not start', async () => {
    await expect(start({ args: ['--no-such-setting', 'x'] })).rejects.toThrow(/ended at once[^]*no-such-setting/);
  });

  it('dies with the process that started it, even when that is killed', async () => {
    const script = `
      import { startRedis } from './test/support/servers/redis.ts';
      const server = await startRedis({ killable: true });
      console.log(JSON.stringify([server.pid, server.scratch]));`;
    const parent = spawn(
      process.execPath,
      ['--import', '@swc-node/register/esm-register', '--input-type=module', '-e', script],
      { env: { ...process.env, SWC_NODE_PROJECT: 'tsconfig.json' }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const [pid, scratch] = JSON.parse(line.toString()) as [number, string];
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    const deadline = performance.now() + 10_000;
    while ((isAlive(pid) || existsSync(scratch)) && performance.now() < deadline)
      await new Promise((r) => setTimeout(r, 10));
    expect([isAlive(pid), existsSync(scratch)]).toEqual([false, false]);
  });

  it('is taken from REDIS_URL when it need not be killed', async () => {
    const own = await start();
    process.env['REDIS_URL'] = own.url;
    try {
      const given = await startRedis();
      expect(given).toMatchObject({ url: own.url, port: own.port, pid: undefined });
      expect(() => given.pause()).toThrow('REDIS_URL names a server that was not started here');
      await given.stop();
      expect(await redisCommand(own, 'PING')).toBe('+PONG\r\n');
      await own.kill();
      await expect(startRedis()).rejects.toThrow('no redis answers there');
    } finally {
      delete process.env['REDIS_URL'];
    }
  });
});
