import { describe, expect, it } from '@jest/globals';
import type { ConsulConnection } from '../../lib/adapters/consul/consul-connection.js';
import { answerError, thrownError } from '../../lib/adapters/consul/consul-errors.js';
import { requireVersion } from '../../lib/adapters/consul/consul-info.js';
import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import { consulOptionProblems } from '../../lib/adapters/consul/validate-consul-options.js';
import { maskOf } from '../../lib/core/registry/adapter-options.js';

const address = 'http://127.0.0.1:8500';
const token = 'b1gs33cr-3333-7297-f94c-c68a70c0ffee';

describe('the options of the Consul registry', () => {
  it.each<[string, unknown]>([
    ['an address', { address }],
    ['an address with a slash', { type: 'consul', address: 'https://consul.example/' }],
    [
      'all',
      {
        address: 'https://[::1]:8501',
        token,
        datacenter: 'dc-1',
        tls: {
          ca: 'PEM',
          cert: 'PEM',
          key: Buffer.from('PEM'),
          serverName: 'server.dc1.consul',
          rejectUnauthorized: true,
        },
      },
    ],
    ['tuning', { address, prefix: 'my.app-1', callTimeout: '500ms', connectTimeout: 3_000 }],
  ])('take %s', (_name, options) => {
    expect(consulOptionProblems(options)).toEqual([]);
  });

  it.each<[string, unknown, RegExp[]]>([
    ['nothing', undefined, [/must be an object/]],
    ['no address', {}, [/^address: nothing says where Consul is; must be http:/]],
    ['an address without a protocol', { address: '127.0.0.1:8500' }, [/^address: must be http:/]],
    ['another protocol', { address: 'redis://h' }, [/^address: must be http:/]],
    ['an address with credentials', { address: `http://user:${token}@h` }, [/^address: .*give "token"/]],
    ['an address with a path', { address: `${address}/v1` }, [/^address: must end after the port/]],
    ['an address with a query', { address: `${address}?dc=a` }, [/^address: must end after the port/]],
    ['a token with a line end', { address, token: `${token}\n` }, [/^token: must be the secret of an ACL token/]],
    ['an empty token', { address, token: '' }, [/^token/]],
    ['a datacenter that is none', { address, datacenter: 'a b' }, [/^datacenter: "a b" must be/]],
    ['TLS on plain HTTP', { address, tls: {} }, [/^tls: goes with an https/]],
    ['half a client certificate', { address: 'https://h', tls: { cert: 'PEM' } }, [/^tls: cert and key go together/]],
    [
      'unknown TLS options',
      { address: 'https://h', tls: { servername: 'a', ca: 5, rejectUnauthorized: 'no' } },
      [/^tls\.servername: no such option/, /^tls\.ca: must be PEM/, /^tls\.rejectUnauthorized/],
    ],
    ['a misspelt option', { address, tokn: token }, [/^tokn: no such option; did you mean token\?/]],
    [
      'a prefix that would be cleaned away or refused',
      { address, prefix: '..' },
      [/^prefix: "\.\." must not begin with a dot/],
    ],
    [
      'several at once',
      { type: 'etcd', address: 'h', prefix: 'a/b', callTimeout: 'soon', connectTimeout: 1 },
      [/^address/, /^type/, /^prefix/, /^callTimeout: "soon" is not a duration/, /^connectTimeout: 1 ms is too short/],
    ],
  ])('refuse %s', (_name, options, expected) => {
    const problems = consulOptionProblems(options);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(problems[i]).toMatch(pattern));
    expect(problems.join()).not.toContain(token);
  });

  it('are refused with all problems in one error', async () => {
    await expect(createConsulRegistry({ address: 'nonsense', prefix: '' })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/The Consul registry cannot be created:\n- address: [^]*- prefix: /),
    });
  });

  it('need the client library', async () => {
    const missing = Object.assign(new Error("Cannot find package 'undici' imported from x"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    await expect(createConsulRegistry({ address }, {}, () => Promise.reject(missing))).rejects.toMatchObject({
      code: 'MISSING_PEER',
      message: 'The Consul registry needs the package undici, which is not installed: npm install undici',
    });
  });
});

describe('what keeps Consul from being reached', () => {
  it('is told when nobody listens there', async () => {
    const registry = await createConsulRegistry({ address: 'http://127.0.0.1:1', connectTimeout: '100ms' });
    await expect(registry.connect()).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      outcomeUnknown: false,
      message: expect.stringMatching(
        /^No connection to Consul within 100 ms \(connect ECONNREFUSED 127\.0\.0\.1:1\)\.$/,
      ),
    });
    await registry.close();
    await expect(registry.connect()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
  });

  const versions: [string, boolean][] = [
    ['0.9.4', false],
    ['1.7.14', false],
    ['1.8.0', true],
    ['1.21.5+ent', true],
    ['2.0.0', true],
    ['', true],
  ];
  it.each(versions)('is its version or not: %s', async (Version, isEnough) => {
    const text = JSON.stringify(Version === '' ? {} : { Config: { Version } });
    const answers = { request: async () => ({ status: 200, text }), parsed: JSON.parse } as unknown as ConsulConnection;
    const outcome = await requireVersion(answers).then(
      () => 'enough',
      (error: Error) => error.message,
    );
    expect(outcome).toBe(
      isEnough ? 'enough' : `Consul ${Version} is older than 1.8, the oldest one supported. Update it.`,
    );
  });
});

describe('errors of Consul', () => {
  const context = { prefix: 'nds', mask: maskOf([token]) };
  const REFUSED = { code: 'REGISTRY_REFUSED', retryable: false };
  const NOT_DONE = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: false };
  const UNKNOWN = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: true };

  it.each<[string, object, number, string]>([
    ['no rights', REFUSED, 403, 'Permission denied'],
    ['an unknown token', REFUSED, 403, 'ACL not found'],
    [
      'an unknown datacenter',
      { ...REFUSED, message: expect.stringContaining('"datacenter"') },
      500,
      'No path to datacenter',
    ],
    [
      'a value that is too large',
      { ...REFUSED, message: expect.stringContaining('txn_max_req_len') },
      413,
      'Request body(525392 bytes) too large',
    ],
    [
      'plain HTTP where TLS is spoken',
      { ...REFUSED, message: expect.stringContaining('https://') },
      400,
      'Client sent an HTTP request to an HTTPS server.',
    ],
    [
      'keys that a version refuses',
      { ...REFUSED, message: expect.stringContaining('1.21.5') },
      500,
      'invalid key name, keys should respect the "^[a-z]+$" format',
    ],
    ['something that is not Consul', { ...REFUSED, message: expect.stringContaining('"address"') }, 200, '<html>'],
    ['no leader', NOT_DONE, 500, 'No cluster leader'],
    ['a server that is no leader', NOT_DONE, 500, 'rpc error making call: node is not the leader'],
    ['too many requests', NOT_DONE, 429, 'Your IP is issuing too many concurrent connections'],
    ['leadership lost on the way', UNKNOWN, 500, 'rpc error making call: leadership lost while committing log'],
    ['a gateway', UNKNOWN, 504, ''],
  ])('%s', (_name, expected, status, text) => {
    expect(answerError(status, text, context)).toMatchObject(expected);
  });

  const thrown = (message: string, more: object): Error => Object.assign(new Error(message), more);
  it.each<[string, object, Error]>([
    [
      'nobody listens',
      NOT_DONE,
      thrown('connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED', syscall: 'connect' }),
    ],
    ['no such host', NOT_DONE, thrown('getaddrinfo ENOTFOUND h', { code: 'ENOTFOUND', syscall: 'getaddrinfo' })],
    [
      'nobody at any of its addresses',
      { ...NOT_DONE, message: expect.stringContaining('::1') },
      thrown('', { code: 'ECONNREFUSED', errors: [thrown('connect ECONNREFUSED ::1:1', { syscall: 'connect' })] }),
    ],
    ['no connection in time', NOT_DONE, thrown('Connect Timeout Error', { code: 'UND_ERR_CONNECT_TIMEOUT' })],
    ['reset', UNKNOWN, thrown('read ECONNRESET', { code: 'ECONNRESET', syscall: 'read' })],
    ['closed by the server', UNKNOWN, thrown('other side closed', { code: 'UND_ERR_SOCKET' })],
    [
      'a certificate of somebody else',
      { ...REFUSED, message: expect.stringContaining('"tls"') },
      thrown('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    ],
  ])('%s', (_name, expected, error) => {
    expect(thrownError(error, context)).toMatchObject(expected);
  });

  it('never hold the token, not even in their cause', () => {
    const errors = [
      thrownError(thrown(`bad header ${token}`, {}), context),
      answerError(500, `who is ${token}?`, context),
    ];
    for (const { message, stack, cause } of errors) expect([message, stack, String(cause)].join()).not.toContain(token);
  });
});
