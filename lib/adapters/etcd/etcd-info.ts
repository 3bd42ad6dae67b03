import { RegistryRefusedError } from '../../core/registry/registry-errors.js';
import type { RegistryInfo } from '../../core/registry/registry.js';
import type { EtcdConnection } from './etcd-connection.js';
import { isPermissionDenied } from './etcd-errors.js';
import type { EtcdCalls } from './etcd-messages.js';

type Status = EtcdCalls['Maintenance/Status'][1];

/** What the servers have where `--quota-backend-bytes` is not set, and what older ones do not tell. */
const DEFAULT_QUOTA = 2 * 1024 ** 3;
const ALMOST_FULL = 0.8;

/** What the member says about itself and the cluster, and what in it weakens a promise. */
export async function describeEtcd(connection: EtcdConnection, endpoints: number): Promise<RegistryInfo> {
  const status = await orUndefined(connection.call('Maintenance/Status', {}));
  const list = await orUndefined(connection.call('Cluster/MemberList', {}));
  const voters = list?.members.filter(({ isLearner }) => !isLearner).length;
  const warnings = status ? statusWarnings(status) : [];
  if (voters === 2) warnings.push('A cluster of 2 stops when either member fails. Run 3.');
  if (voters !== undefined && voters > 1 && endpoints === 1) {
    warnings.push('The cluster has more members than the one endpoint given. Name all of them.');
  }
  if (connection.authIsOff) {
    warnings.push('Credentials are given, and authentication is off: anybody may write. Run etcdctl auth enable.');
  }
  return {
    kind: 'etcd',
    ...(status && { version: status.version }),
    ...(voters !== undefined && { topology: voters === 1 ? 'standalone' : `cluster of ${voters}` }),
    warnings,
  };
}

function statusWarnings({ errors, dbSize, dbSizeQuota }: Status): string[] {
  const warnings = errors.map((error) => `etcd reports: ${error.trim()}.`);
  const quota = Number(dbSizeQuota) || DEFAULT_QUOTA;
  if (Number(dbSize) <= quota * ALMOST_FULL) return warnings;
  const full =
    `etcd's database takes ${mib(Number(dbSize))} of ${mib(quota)} MiB; when it is full, writes without a condition ` +
    '(history, records of nodes) and new sessions are refused, and those with one (claims) still go in: it grows on. ' +
    'Set --auto-compaction-retention, defragment it, or raise --quota-backend-bytes.';
  return [...warnings, full];
}

/** Oldest version with all that is used here: nested transactions, and watches that can be asked whether they live. */
const OLDEST = [3, 4] as const;

/** @throws RegistryRefusedError where the member is too old */
export async function requireSupportedVersion(connection: EtcdConnection): Promise<void> {
  const status = await orUndefined(connection.call('Maintenance/Status', {}));
  if (!status) return;
  const { version } = status;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new RegistryRefusedError(`etcd ${version} is older than ${OLDEST.join('.')}, the oldest one supported.`);
}

/** Recent versions tell their state to administrators only: who is refused is talking to one that is new enough. */
async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isPermissionDenied(error)) return undefined;
    throw error;
  }
}

const mib = (bytes: number): number => Math.round(bytes / 1024 ** 2);
