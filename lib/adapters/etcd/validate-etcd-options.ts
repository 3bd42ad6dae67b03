import { adapterTuningProblems, isRecord } from '../../core/registry/adapter-options.js';
import { endpointsOf } from './etcd-options.js';

const OWN = ['endpoints', 'username', 'password', 'tls'];
const TLS = ['ca', 'cert', 'key'] as const;
const WANTED = 'must be http://host[:port], or https:// for TLS';

/** All that is wrong with the options, each with its path. Values that may hold a secret are never quoted. */
export function etcdOptionProblems(options: unknown): string[] {
  if (!isRecord(options)) return ['the etcd options must be an object, as { endpoints: "http://localhost:2379" }'];
  return [
    ...endpointProblems(options.endpoints),
    ...userProblems(options),
    ...tlsProblems(options),
    ...adapterTuningProblems(options, 'etcd', OWN),
  ];
}

function endpointProblems(given: unknown): string[] {
  if (given === undefined) return ['nothing says where etcd is; give endpoints, as "http://localhost:2379"'];
  const isList = Array.isArray(given) && given.every((text) => typeof text === 'string');
  if (typeof given !== 'string' && !isList) return ['endpoints: must be a text or a list of texts'];
  const texts = endpointsOf(given as string | string[]);
  if (texts.length === 0) return ['endpoints: must name at least one member'];
  const problems = texts.flatMap((text, i) => {
    const problem = endpointProblem(text);
    return problem === undefined ? [] : [`endpoints[${i}]: ${problem}`];
  });
  const isSecure = texts.filter((text) => text.startsWith('https:')).length;
  if (isSecure > 0 && isSecure < texts.length) problems.push('endpoints: must be all http:// or all https://');
  return problems;
}

/** Without quoting it: it may hold a password. */
function endpointProblem(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return WANTED;
  const { username, password, pathname, search, hash } = new URL(text);
  if (username !== '' || password !== '') return 'must not hold credentials; give them as username and password';
  return pathname === '/' && search === '' && hash === '' ? undefined : `${WANTED}, without anything after the port`;
}

function userProblems({ username, password }: Record<string, unknown>): string[] {
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  if (username === undefined && password === undefined) return [];
  if (isText(username) && isText(password)) return [];
  return ['username, password: must both be texts of at least one character, or both be left out'];
}

function tlsProblems({ tls, endpoints }: Record<string, unknown>): string[] {
  if (tls === undefined) return [];
  if (!isRecord(tls)) return ['tls: must be an object, as { ca, cert, key }'];
  const known = [...TLS, 'serverName'];
  const problems = Object.keys(tls)
    .filter((key) => !known.includes(key))
    .map((key) => `tls.${key}: no such option; there are ${known.join(', ')}`);
  for (const name of TLS) {
    const value = tls[name];
    if (value === undefined) continue;
    const text = Buffer.isBuffer(value) ? value.toString('latin1') : value;
    if (typeof text !== 'string' || !text.includes('-----BEGIN ')) {
      problems.push(`tls.${name}: must be PEM, in a text or a buffer (the content of the file, not its path)`);
    }
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) problems.push('tls: cert and key go together');
  const { serverName } = tls;
  if (serverName !== undefined && (typeof serverName !== 'string' || serverName === '')) {
    problems.push('tls.serverName: must be a host name');
  }
  if (String(endpoints).includes('http://')) problems.push('tls: goes with https:// endpoints only');
  return problems;
}
