import { describe, expect, it } from '@jest/globals';
import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import type { EtcdConnection } from '../../lib/adapters/etcd/etcd-connection.js';
import { registryErrorOf } from '../../lib/adapters/etcd/etcd-errors.js';
import { describeEtcd, requireSupportedVersion } from '../../lib/adapters/etcd/etcd-info.js';
import { resolveEtcdOptions } from '../../lib/adapters/etcd/etcd-options.js';
import { etcdOptionProblems } from '../../lib/adapters/etcd/validate-etcd-options.js';
import { maskOf } from '../../lib/core/registry/adapter-options.js';

const endpoints = 'http://localhost:2379';
const pem = '-----BEGIN CERTIFICATE-----';

describe('the options of the etcd registry', () => {
  it.each<[string, unknown]>([
    ['an endpoint', { endpoints }],
    ['several in one text', { type: 'etcd', endpoints: 'http://a:1, http://[::1]:2 ,http://10.0.0.1' }],
    ['several in a list', { endpoints: ['https://a', 'https://b:2379/'], tls: { ca: pem, serverName: 'etcd' } }],
    ['a user', { endpoints, username: 'u', password: 'p' }],
    ['a certificate', { endpoints: 'https://a', tls: { cert: Buffer.from(pem), key: pem } }],
    ['tuning', { endpoints, prefix: 'my.app:1', callTimeout: '500ms', connectTimeout: 3_000 }],
  ])('take %s', (_name, options) => {
    expect(etcdOptionProblems(options)).toEqual([]);
  });

  it.each<[string, unknown, RegExp[]]>([
    ['nothing', undefined, [/must be an object/]],
    ['no place', { prefix: 'a' }, [/nothing says where etcd is; give endpoints/]],
    ['no text', { endpoints: [1] }, [/^endpoints: must be a text or a list/]],
    ['an empty list', { endpoints: ' , ' }, [/^endpoints: must name at least one/]],
    ['neither protocol nor port', { endpoints: ['http://a', 'b'] }, [/^endpoints\[1\]: must be http:/]],
    ['another protocol', { endpoints: 'etcd://a' }, [/^endpoints\[0\]: must be http:/]],
    ['a path', { endpoints: 'http://a/v3' }, [/^endpoints\[0\]: .*without anything after the port/]],
    ['credentials in an address', { endpoints: 'http://u:secret@a' }, [/^endpoints\[0\]: .*as username and password/]],
    ['both protocols', { endpoints: 'http://a,https://b' }, [/^endpoints: must be all http/]],
    ['half a user', { endpoints, password: 'secret' }, [/^username, password: must both be texts/]],
    ['an empty password', { endpoints, username: 'u', password: '' }, [/^username, password/]],
    ['TLS that is none', { endpoints: 'https://a', tls: true }, [/^tls: must be an object/]],
    ['TLS without https', { endpoints, tls: { ca: pem } }, [/^tls: goes with https/]],
    ['a path for PEM', { endpoints: 'https://a', tls: { ca: '/ca.pem' } }, [/^tls\.ca: must be PEM.*not its path/]],
    ['half a certificate', { endpoints: 'https://a', tls: { key: pem } }, [/^tls: cert and key go together/]],
    [
      'an unknown TLS option',
      { endpoints: 'https://a', tls: { caFile: 'x' } },
      [/^tls\.caFile: no such option; there/],
    ],
    ['no server name', { endpoints: 'https://a', tls: { serverName: 1 } }, [/^tls\.serverName: must be a host name/]],
    ['a misspelt option', { endpoint: 'x', endpoints }, [/^endpoint: no such option; did you mean endpoints\?/]],
    [
      'several at once',
      { type: 'redis', endpoints: 'a', prefix: 'a/b', callTimeout: 'soon', connectTimeout: 1 },
      [
        /^endpoints\[0\]/,
        /^type/,
        /^prefix: "a\/b"/,
        /^callTimeout: "soon" is not/,
        /^connectTimeout: 1 ms is too short/,
      ],
    ],
  ])('refuse %s', (_name, options, expected) => {
    const problems = etcdOptionProblems(options);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(problems[i]).toMatch(pattern));
    expect(problems.join()).not.toContain('secret');
  });

  it('are refused with all problems in one error', async () => {
    await expect(createEtcdRegistry({ endpoints: 'nonsense', prefix: '' })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/The etcd registry cannot be created:[^]*- endpoints\[0\]: [^]*- prefix: /),
    });
  });

  it('become addresses with ports, each once', () => {
    const { addresses, tls } = resolveEtcdOptions({ endpoints: 'http://a, [::1]:2,a:2379' });
    expect(addresses).toEqual(['a:2379', '[::1]:2']);
    expect(tls).toBeUndefined();
    expect(resolveEtcdOptions({ endpoints: ['https://a:443'] })).toMatchObject({ addresses: ['a:443'], tls: {} });
  });
});

describe('a missing client library', () => {
  const failing = (code: string, message: string) => () => Promise.reject(Object.assign(new Error(message), { code }));

  it.each(['@grpc/grpc-js', '@grpc/proto-loader'])('is told with its cure (%s)', async (name) => {
    const load = failing('ERR_MODULE_NOT_FOUND', `Cannot find package '${name}' imported from /app/x.js`);
    await expect(createEtcdRegistry({ endpoints }, {}, load)).rejects.toMatchObject({
      code: 'MISSING_PEER',
      message: expect.stringContaining(`${name} is not installed: npm install @grpc/grpc-js @grpc/proto-loader`),
    });
  });

  it('is not confused with another failure', async () => {
    const load = failing('ERR_MODULE_NOT_FOUND', "Cannot find package 'protobufjs' imported from proto-loader");
    await expect(createEtcdRegistry({ endpoints }, {}, load)).rejects.toThrow('protobufjs');
  });
});

describe('the version of the server', () => {
  const saying = (version: string): EtcdConnection =>
    ({ call: () => Promise.resolve({ version }) }) as unknown as EtcdConnection;

  it.each(['3.4.0', '3.5.16', '3.10.1', '4.0.0-rc.1'])('may be %s', async (version) => {
    await requireSupportedVersion(saying(version));
  });

  it('may be hidden from this user, as recent versions do', async () => {
    const refused = registryErrorOf({ code: 7, details: 'etcdserver: permission denied' }, (text) => text);
    await requireSupportedVersion({ call: () => Promise.reject(refused) } as unknown as EtcdConnection);
  });

  it.each(['3.3.27', '2.3.8'])('must not be %s', async (version) => {
    await expect(requireSupportedVersion(saying(version))).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: `etcd ${version} is older than 3.4, the oldest one supported.`,
    });
  });
});

describe('a database that is almost full', () => {
  it('is told, with what is refused then and what is not', async () => {
    const status = {
      version: '3.5.0',
      errors: [],
      dbSize: String(90 * 1024 ** 2),
      dbSizeQuota: String(100 * 1024 ** 2),
    };
    const connection = { call: () => Promise.resolve({ ...status, members: [{ isLearner: false }] }) };
    const { warnings } = await describeEtcd(connection as unknown as EtcdConnection, 1);
    expect(warnings).toEqual([expect.stringMatching(/90 of 100 MiB.*without a condition.* are refused.* grows on/)]);
  });
});

describe('errors of etcd', () => {
  const REFUSED = { code: 'REGISTRY_REFUSED', retryable: false };
  const NOT_DONE = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: false };
  const UNKNOWN = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: true };

  it.each<[string, object, number, string]>([
    ['no user', REFUSED, 3, 'etcdserver: user name is empty'],
    ['wrong password', REFUSED, 3, 'etcdserver: authentication failed, invalid user ID or password'],
    ['no permission', REFUSED, 7, 'etcdserver: permission denied'],
    ['expired login', REFUSED, 16, 'etcdserver: invalid auth token'],
    ['database full', REFUSED, 8, 'etcdserver: mvcc: database space exceeded'],
    ['too large', REFUSED, 3, 'etcdserver: request is too large'],
    ['too large for the connection', REFUSED, 8, 'grpc: received message larger than max (3 vs. 2)'],
    ['too many operations', REFUSED, 3, 'etcdserver: too many operations in txn request'],
    ['another server', REFUSED, 12, 'unknown service etcdserverpb.KV'],
    ['anything else the server says', REFUSED, 9, 'etcdserver: cluster ID mismatch'],
    ['no leader', NOT_DONE, 14, 'etcdserver: no leader'],
    ['a learner', NOT_DONE, 9, 'etcdserver: rpc not supported for learner'],
    ['overload', NOT_DONE, 8, 'etcdserver: too many requests'],
    ['no connection', NOT_DONE, 14, 'No connection established. Last error: Error: connect ECONNREFUSED'],
    ['an answer too large to take', UNKNOWN, 8, 'Received message larger than max (3 vs 2)'],
    ['leader lost', UNKNOWN, 14, 'etcdserver: leader changed'],
    ['given up by the server', UNKNOWN, 14, 'etcdserver: request timed out'],
    ['connection lost', UNKNOWN, 14, 'Connection dropped'],
    ['reset', UNKNOWN, 13, 'Received RST_STREAM with code 2'],
    ['given up here', UNKNOWN, 1, 'Cancelled on client'],
  ])('%s', (_name, expected, code, details) => {
    expect(registryErrorOf({ code, details }, (text) => text)).toMatchObject(expected);
  });

  it('never hold a secret, not even in their cause', () => {
    const failure = { code: 3, details: 'no login with hunter2', metadata: { token: 'hunter2' } };
    const error = registryErrorOf(failure, maskOf(['hunter2']));
    const cause = error.cause as Error;
    expect(JSON.stringify([error, error.message, cause, cause.message, cause.stack])).not.toContain('hunter2');
  });
});
