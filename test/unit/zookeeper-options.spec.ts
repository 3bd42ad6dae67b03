import { describe, expect, it } from '@jest/globals';
import { createZookeeperRegistry } from '../../lib/adapters/zookeeper/create-zookeeper-registry.js';
import { zookeeperOptionProblems } from '../../lib/adapters/zookeeper/validate-zookeeper-options.js';
import { CODE } from '../../lib/adapters/zookeeper/wire/protocol.js';
import { BAD_CREDENTIALS, WireClosedError } from '../../lib/adapters/zookeeper/wire/wire-connection.js';
import { placesOf } from '../../lib/adapters/zookeeper/zookeeper-address.js';
import { answerError, connectionError } from '../../lib/adapters/zookeeper/zookeeper-errors.js';

const connect = 'localhost:2181';

describe('the options of the ZooKeeper registry', () => {
  it.each<[string, unknown]>([
    ['one server', { connect }],
    ['several, with a node to stay below', { type: 'zookeeper', connect: 'zk1:2181, zk2:2182,zk3/apps/shop-1' }],
    ['addresses', { connect: '10.0.0.1:2181,[::1]:2181,[fe80::1]/' }],
    ['a user', { connect, auth: { username: 'nest', password: 'a:b' } }],
    ['encryption', { connect, tls: {} }],
    ['tuning', { connect, prefix: 'my.app:1', callTimeout: '500ms', connectTimeout: 3_000 }],
  ])('take %s', (_name, options) => {
    expect(zookeeperOptionProblems(options)).toEqual([]);
  });

  it.each<[string, unknown, RegExp[]]>([
    ['nothing', undefined, [/must be an object/]],
    ['no place', { prefix: 'a' }, [/^connect: must name the servers, as 'zk1:2181/]],
    ['an empty place', { connect: '' }, [/^connect: server 1 must be host:port/]],
    ['a server without a name', { connect: 'zk1:2181,:2181' }, [/^connect: server 2 must be host:port/]],
    ['a port that is none', { connect: 'zk1:65536' }, [/^connect: server 1/]],
    ['port 0', { connect: 'zk1:0' }, [/^connect: server 1/]],
    ['an address of another kind', { connect: 'zookeeper://zk1:2181' }, [/^connect: server 1/]],
    ['a password in the wrong place', { connect: 'nest:secret@zk1:2181' }, [/^connect: has no place for a user/]],
    ['a node that is none', { connect: 'zk1/a//b' }, [/^connect: what follows the servers must be the path/]],
    ['a node named like a parent', { connect: 'zk1/a/..' }, [/^connect: what follows/]],
    ['a node for each server', { connect: 'zk1/a,zk2/a' }, [/^connect: what follows/]],
    ['a misspelt option', { connect, prefx: 'a' }, [/^prefx: no such option; did you mean prefix\?/]],
    ['an unknown option', { connect, colour: 'red' }, [/^colour: no such option; there are type, connect, auth, tls/]],
    ['a prefix that names no node', { connect, prefix: '..' }, [/^prefix: ZooKeeper has no nodes named "\.\."$/]],
    ['another one', { connect, prefix: '.' }, [/^prefix: ZooKeeper has no nodes named "\."$/]],
    ['half a user', { connect, auth: { username: 'secret' } }, [/^auth\.password: must be a text/]],
    ['a user as text', { connect, auth: 'nest:secret' }, [/^auth: must be an object, as \{ username, password \}/]],
    [
      'a user with too much',
      { connect, auth: { username: 'a:b', password: 'secret', scheme: 'sasl' } },
      [/^auth\.username: must be a text without a colon/, /^auth: has username and password, not scheme/],
    ],
    ['encryption by a word', { connect, tls: true }, [/^tls: must be an object/]],
    [
      'several at once',
      { type: 'etcd', connect, prefix: 'a/b', callTimeout: 'soon', connectTimeout: 1 },
      [/^type/, /^prefix: "a\/b"/, /^callTimeout: "soon" is not a duration/, /^connectTimeout: 1 ms is too short/],
    ],
  ])('refuse %s', (_name, options, expected) => {
    const problems = zookeeperOptionProblems(options);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(problems[i]).toMatch(pattern));
    expect(problems.join()).not.toContain('secret');
  });

  it('are refused with all problems in one error', async () => {
    await expect(createZookeeperRegistry({ connect: '', prefix: '' })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^The ZooKeeper registry cannot be created:\n- connect: [^]*- prefix: /),
    });
  });

  it('name the servers and the node below which everything is kept', () => {
    expect(placesOf('zk1:2182, [::1] ,zk3:2183/apps/shop')).toEqual({
      servers: [
        { host: 'zk1', port: 2182 },
        { host: '::1', port: 2181 },
        { host: 'zk3', port: 2183 },
      ],
      chroot: '/apps/shop',
    });
    expect(placesOf('zk1/').chroot).toBe('');
  });
});

describe('errors of ZooKeeper', () => {
  const REFUSED = { code: 'REGISTRY_REFUSED', retryable: false };
  const NOT_DONE = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: false };
  const UNKNOWN = { code: 'REGISTRY_UNAVAILABLE', retryable: true, outcomeUnknown: true };
  const answer = (code: number): Error => answerError(code, 'setData of a');

  it.each<[string, object, Error]>([
    ['no right', REFUSED, answer(CODE.NoAuth)],
    ['no user', REFUSED, answer(CODE.InvalidACL)],
    ['a quota', REFUSED, answer(CODE.QuotaExceeded)],
    ['an old server', REFUSED, answer(CODE.Unimplemented)],
    ['wrong credentials', REFUSED, connectionError(new WireClosedError(BAD_CREDENTIALS, true))],
    ['a session that is over', NOT_DONE, answer(CODE.SessionExpired)],
    ['a session that is elsewhere', NOT_DONE, answer(CODE.SessionMoved)],
    ['a server that sheds load', NOT_DONE, answer(CODE.ThrottledOp)],
    ['a server that stops', UNKNOWN, answer(CODE.ConnectionLoss)],
    ['an answer nobody knows', UNKNOWN, answer(-999)],
    ['a connection that ends behind a request', UNKNOWN, connectionError(new WireClosedError('reset', true))],
    ['a connection that ended before', NOT_DONE, connectionError(new WireClosedError('reset', false))],
    ['no connection', NOT_DONE, connectionError(new Error('connect ECONNREFUSED'))],
  ])('%s', (_name, expected, error) => {
    expect(error).toMatchObject(expected);
  });

  it('say what to do', () => {
    expect(answer(CODE.NoAuth).message).toBe(
      'ZooKeeper refused the request (NoAuth for setData of a): check auth.username and auth.password; this user needs the ' +
        'permissions cdrw on the root node and all nodes below it.',
    );
    expect(answer(CODE.Unimplemented).message).toMatch(
      /older than ZooKeeper 3\.6, the oldest version supported; upgrade it\.$/,
    );
  });
});
