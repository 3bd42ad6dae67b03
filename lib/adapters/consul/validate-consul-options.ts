import { adapterTuningProblems, isRecord } from '../../core/registry/adapter-options.js';

const OWN = ['address', 'token', 'datacenter', 'tls'];
const TLS = ['ca', 'cert', 'key', 'serverName', 'rejectUnauthorized'];

/** All that is wrong with the options, each with its path. Values that may hold a secret are never quoted. */
export function consulOptionProblems(options: unknown): string[] {
  if (!isRecord(options)) return ['the Consul options must be an object, as { address: "http://127.0.0.1:8500" }'];
  const { address, token, datacenter, tls, prefix } = options;
  const problems: string[] = [];
  const add = (path: string, problem: string | undefined): void => {
    if (problem !== undefined) problems.push(`${path}: ${problem}`);
  };
  add('address', addressProblem(address));
  add('token', isPrintable(token) ? undefined : 'must be the secret of an ACL token, in printable ASCII');
  if (datacenter !== undefined && !(typeof datacenter === 'string' && /^[\w-]+$/.test(datacenter))) {
    add('datacenter', `${JSON.stringify(datacenter)} must be letters, digits, _ and -`);
  }
  if (tls !== undefined) problems.push(...tlsProblems(tls, address));
  if (typeof prefix === 'string' && /^\.|\.\./.test(prefix)) {
    add(
      'prefix',
      `${JSON.stringify(prefix)} must not begin with a dot or hold two in a row: Consul would clean them away`,
    );
  }
  problems.push(...adapterTuningProblems(options, 'consul', OWN));
  return problems;
}

function addressProblem(address: unknown): string | undefined {
  const wanted = 'must be http://host[:port], or https:// for TLS';
  if (address === undefined) return `nothing says where Consul is; ${wanted}`;
  if (typeof address !== 'string' || !URL.canParse(address)) return wanted;
  const { protocol, username, password, pathname, search, hash } = new URL(address);
  if (!/^https?:$/.test(protocol)) return wanted;
  if (username !== '' || password !== '') return 'must hold no user and password; give "token" beside it';
  return pathname === '/' && search === '' && hash === '' ? undefined : 'must end after the port; /v1 is added to it';
}

const isPrintable = (token: unknown): boolean =>
  token === undefined || (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token));

function tlsProblems(tls: unknown, address: unknown): string[] {
  if (!isRecord(tls)) return ['tls: must be an object, as { ca: readFileSync("ca.pem") }'];
  const problems = Object.keys(tls)
    .filter((key) => !TLS.includes(key))
    .map((key) => `tls.${key}: no such option; there are ${TLS.join(', ')}`);
  for (const path of ['ca', 'cert', 'key']) {
    const pem = tls[path];
    if (pem !== undefined && typeof pem !== 'string' && !Buffer.isBuffer(pem))
      problems.push(`tls.${path}: must be PEM, as text or Buffer`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) problems.push('tls: cert and key go together');
  if (tls.serverName !== undefined && typeof tls.serverName !== 'string')
    problems.push('tls.serverName: must be a text');
  if (tls.rejectUnauthorized !== undefined && typeof tls.rejectUnauthorized !== 'boolean') {
    problems.push('tls.rejectUnauthorized: must be true or false');
  }
  if (typeof address === 'string' && address.startsWith('http:')) problems.push('tls: goes with an https:// address');
  return problems;
}
