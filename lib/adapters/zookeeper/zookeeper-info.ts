import { TIMED_OUT, withTimeout, type Clock } from '../../core/common/clock.js';
import { RegistryRefusedError } from '../../core/registry/registry-errors.js';
import type { RegistryInfo } from '../../core/registry/registry.js';
import { openSocket, type SocketTarget } from './wire/open-socket.js';
import { getData } from './wire/requests.js';
import type { ZookeeperLink } from './zookeeper-link.js';

/** What the servers say about themselves, and what in it weakens a promise. */
export async function describeZookeeper(
  link: ZookeeperLink,
  clock: Clock,
  timeoutMs: number,
  closing: AbortSignal,
): Promise<RegistryInfo> {
  const [members, answer] = await Promise.all([membersOf(link), askServer(link.address, clock, timeoutMs, closing)]);
  const version = /^Zookeeper version: (\d+(?:\.\d+)+)/m.exec(answer)?.[1];
  const topology = members === 0 ? 'standalone' : members && `ensemble of ${members}`;
  const warnings: string[] = [];
  if (members === 2) {
    warnings.push('An ensemble of two stops when either server is lost. Use three.');
  } else if (members !== undefined && members > 0 && members % 2 === 0) {
    warnings.push(`An ensemble of ${members} survives no more losses than one of ${members - 1}. Use an odd number.`);
  }
  return { kind: 'zookeeper', ...(version !== undefined && { version }), ...(topology && { topology }), warnings };
}

/** How many servers vote; 0 for a server that stands alone, undefined where that is not told. */
async function membersOf(link: ZookeeperLink): Promise<number | undefined> {
  const read = link.call(getData('/zookeeper/config'), 'the configuration').catch((error: unknown) => {
    if (error instanceof RegistryRefusedError) return { value: undefined }; // Not everybody may read it.
    throw error;
  });
  const { value } = await read;
  return value?.data?.split('\n').filter((line) => /^server\.\d+=.*:participant/.test(line)).length;
}

/** The one question that servers answer without a session unless they are told not to. Nothing where they do not. */
async function askServer(target: SocketTarget, clock: Clock, timeoutMs: number, closing: AbortSignal): Promise<string> {
  const giveUp = new AbortController();
  const signal = AbortSignal.any([closing, giveUp.signal]);
  const answer = await withTimeout(clock, exchange(target, clock, timeoutMs, signal), timeoutMs).catch(() => '');
  giveUp.abort();
  return answer === TIMED_OUT ? '' : answer;
}

async function exchange(target: SocketTarget, clock: Clock, timeoutMs: number, signal: AbortSignal): Promise<string> {
  const socket = await openSocket(target, { clock, timeoutMs, signal });
  signal.addEventListener('abort', () => socket.destroy());
  socket.write('srvr');
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.once('close', () => resolve(Buffer.concat(parts).toString()));
  });
}
