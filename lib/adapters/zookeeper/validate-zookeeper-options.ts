import { adapterTuningProblems, isRecord } from '../../core/registry/adapter-options.js';
import { connectProblem } from './zookeeper-address.js';

const OWN = ['connect', 'auth', 'tls'];

/** All that is wrong with the options, each with its path. Values that may hold a secret are never quoted. */
export function zookeeperOptionProblems(options: unknown): string[] {
  if (!isRecord(options)) return ['the ZooKeeper options must be an object, as { connect: "localhost:2181" }'];
  const { connect, auth, tls, prefix } = options;
  const problem = connectProblem(connect);
  return [
    ...(problem === undefined ? [] : [`connect: ${problem}`]),
    ...authProblems(auth),
    ...(tls === undefined || isRecord(tls)
      ? []
      : ['tls: must be an object, as { ca }, or {} for the usual authorities']),
    ...adapterTuningProblems(options, 'zookeeper', OWN),
    ...(prefix === '.' || prefix === '..' ? [`prefix: ZooKeeper has no nodes named "${prefix}"`] : []),
  ];
}

function authProblems(auth: unknown): string[] {
  if (auth === undefined) return [];
  if (!isRecord(auth)) return ['auth: must be an object, as { username, password }'];
  const problems: string[] = [];
  const { username, password, ...others } = auth;
  if (typeof username !== 'string' || !/^[^:]+$/.test(username)) {
    problems.push('auth.username: must be a text without a colon');
  }
  if (typeof password !== 'string' || password === '') problems.push('auth.password: must be a text');
  const unknown = Object.keys(others);
  if (unknown.length > 0) problems.push(`auth: has username and password, not ${unknown.join(', ')}`);
  return problems;
}
