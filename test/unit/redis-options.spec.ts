import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import { optionsOfUrl, secretsOf } from '../../lib/adapters/redis/redis-address.js';
import { registryErrorOf } from '../../lib/adapters/redis/redis-errors.js';
import { maskOf } from '../../lib/core/registry/adapter-options.js';
import { redisOptionProblems } from '../../lib/adapters/redis/validate-redis-options.js';

const url = 'redis://localhost:6379';

describe('the options of the Redis registry', () => {
  it.each<[string, unknown]>([
    ['an address', { url }],
    ['an address with TLS, user and database', { type: 'redis', url: 'rediss://user:p%40ss@[::1]:7000/3' }],
    ['options', { options: { host: 'h', tls: {} } }],
    ['an address and options', { url, options: { tls: {} } }],
    ['a client', { client: new Redis({ lazyConnect: true }) }],
    ['a cluster', { cluster: [{ host: 'h', port: 7000 }], options: { natMap: {} } }],
    ['sentinels', { sentinels: [{ host: 'h' }], name: 'main', waitReplicas: 1 }],
    [
      'tuning',
      { url, prefix: 'my.app:1', callTimeout: '500ms', connectTimeout: 3_000, unwatched: [], waitReplicas: 0 },
    ],
  ])('take %s', (_name, options) => {
    expect(redisOptionProblems(options)).toEqual([]);
  });

  it.each<[string, unknown, RegExp[]]>([
    ['nothing', undefined, [/must be an object/]],
    ['no place', { prefix: 'a' }, [/nothing says where Redis is/]],
    ['two places', { url, cluster: [{}] }, [/^url, cluster: give only one/]],
    ['a misspelt option', { url, prefx: 'a' }, [/^prefx: no such option; did you mean prefix\?/]],
    ['an unknown option', { url, colour: 'red' }, [/^colour: no such option; there are type, url/]],
    ['another protocol', { url: 'http://user:secret@h' }, [/^url: must be redis:/]],
    ['an address with a query', { url: `${url}?enableOfflineQueue=true` }, [/^url: must have no query/]],
    ['keyPrefix', { options: { keyPrefix: 'a:' } }, [/^options\.keyPrefix: .*channels.*set "prefix"/]],
    [
      'keyPrefix of a cluster',
      { cluster: [{}], options: { redisOptions: { keyPrefix: 'a:' } } },
      [/^options\.redisOptions\.keyPrefix/],
    ],
    [
      'keyPrefix of a client',
      { client: new Redis({ lazyConnect: true, keyPrefix: 'a:' }) },
      [/^client\.options\.keyPrefix/],
    ],
    ['a client of another library', { client: { connect: () => undefined } }, [/^client: must be an ioredis client/]],
    [
      'options beside a client',
      { client: new Redis({ lazyConnect: true }), options: {} },
      [/^options: a client brings its own/],
    ],
    ['sentinels without a name', { sentinels: [] }, [/^sentinels: must list/, /^name: must be the name/]],
    ['a name without sentinels', { url, name: 'main' }, [/^name: goes with sentinels/]],
    ['waitReplicas on a cluster', { cluster: [{}], waitReplicas: 1 }, [/^waitReplicas: not on a Redis Cluster/]],
    [
      'several at once',
      {
        type: 'etcd',
        url,
        prefix: '{a}',
        callTimeout: 'soon',
        connectTimeout: 1,
        unwatched: ['a/b'],
        waitReplicas: -1,
      },
      [
        /^type/,
        /^prefix: "\{a\}"/,
        /^callTimeout: "soon" is not a duration/,
        /^connectTimeout: 1 ms is too short/,
        /^unwatched/,
        /^waitReplicas: -1/,
      ],
    ],
  ])('refuse %s', (_name, options, expected) => {
    const problems = redisOptionProblems(options);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(problems[i]).toMatch(pattern));
    expect(problems.join()).not.toContain('secret');
  });

  it('are refused with all problems in one error', async () => {
    const creating = createRedisRegistry({ url: 'nonsense', prefix: '' } as never);
    await expect(creating).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/- url: [^]*- prefix: /),
    });
  });
});

describe('a missing client library', () => {
  const failing = (code: string, message: string) => () => Promise.reject(Object.assign(new Error(message), { code }));

  it.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'ioredis' imported from /app/x.js"],
    ['MODULE_NOT_FOUND', "Cannot find module 'ioredis'\nRequire stack:"],
  ])('is told with its cure (%s)', async (code, message) => {
    await expect(createRedisRegistry({ url }, {}, failing(code, message))).rejects.toMatchObject({
      code: 'MISSING_PEER',
      message: expect.stringContaining('npm install ioredis'),
    });
  });

  it.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'denque' imported from ioredis"],
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'ioredis-mock'"],
    ['ERR_REQUIRE_ESM', "require() of 'ioredis' not supported"],
  ])('is not confused with another failure (%s, %s)', async (code, message) => {
    await expect(createRedisRegistry({ url }, {}, failing(code, message))).rejects.toThrow(message);
  });
});

describe('secrets and addresses', () => {
  it('are read from an address as written', () => {
    expect(optionsOfUrl('rediss://us%40er:p%3Aw@[::1]:7000/3')).toEqual({
      host: '::1',
      port: 7000,
      username: 'us@er',
      password: 'p:w',
      db: 3,
      tls: {},
    });
    expect(optionsOfUrl('redis://h')).toEqual({ host: 'h', port: 6379 });
  });

  it('are found wherever options can hold them, and masked in every text', () => {
    expect(
      secretsOf({ url: 'redis://u:p%40ss@h', options: { sentinelPassword: 's1', tls: { passphrase: 's2' } } }),
    ).toEqual(['p@ss', 's1', 's2']);
    expect(
      secretsOf({ cluster: ['redis://:s3@h', { host: 'h' }], options: { redisOptions: { password: 's4' } } }),
    ).toEqual(['s3', 's4']);
    expect(maskOf(['p@ss'])('AUTH p@ss at redis://u:p%40ss@h')).toBe('AUTH *** at redis://u:***@h');
  });

  it('never reach an error, not even its cause', () => {
    const thrown = Object.assign(new Error('WRONGPASS for hunter2'), {
      name: 'ReplyError',
      command: { name: 'auth', args: ['hunter2'] },
    });
    const error = registryErrorOf(thrown, maskOf(['hunter2']));
    expect(
      JSON.stringify([error.message, error.cause, (error.cause as Error).message, (error.cause as Error).stack]),
    ).not.toContain('hunter2');
  });
});

describe('errors of Redis', () => {
  const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
  const REFUSED = { code: 'REGISTRY_REFUSED', retryable: false };
  const NOT_DONE = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: false };
  const UNKNOWN = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: true };

  it.each<[string, object, Error]>([
    ['no password', REFUSED, reply('NOAUTH Authentication required.')],
    ['wrong password', REFUSED, reply('WRONGPASS invalid username-password pair or user is disabled.')],
    ['wrong password, old server', REFUSED, reply('ERR invalid password')],
    [
      'no permission in a script',
      REFUSED,
      reply('ERR Error running script: -NOPERM this user has no permissions to run hset'),
    ],
    [
      'out of memory',
      REFUSED,
      reply("OOM command not allowed when used memory > 'maxmemory'. script: abc, on @user_script:1."),
    ],
    ['foreign data', REFUSED, reply('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ['anything else the server says', REFUSED, reply('ERR unknown command')],
    ['read-only replica', NOT_DONE, reply("READONLY You can't write against a read only replica.")],
    [
      'read-only replica, old server',
      NOT_DONE,
      reply("ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write"),
    ],
    ['loading', NOT_DONE, reply('LOADING Redis is loading the dataset in memory')],
    ['busy script', NOT_DONE, reply('BUSY Redis is busy running a script.')],
    ['cluster down', NOT_DONE, reply('CLUSTERDOWN Hash slot not served')],
    [
      'disk full',
      NOT_DONE,
      reply('MISCONF Redis is configured to save RDB snapshots, but it is unable to persist on disk'),
    ],
    ['not connected', NOT_DONE, new Error("Stream isn't writeable and enableOfflineQueue options is false")],
    ['cluster not connected', NOT_DONE, new Error("Cluster isn't ready and enableOfflineQueue options is false")],
    ['timeout', UNKNOWN, new Error('Command timed out')],
    ['closed', UNKNOWN, new Error('Connection is closed.')],
    ['flushed', UNKNOWN, new Error('Reached the max retries per request limit (which is 0).')],
    ['reset', UNKNOWN, Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
  ])('%s', (_name, expected, thrown) => {
    expect(registryErrorOf(thrown, (text) => text)).toMatchObject(expected);
  });
});
