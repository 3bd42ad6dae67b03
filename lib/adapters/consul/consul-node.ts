import { RegistryRefusedError } from '../../core/registry/registry-errors.js';
import type { ConsulConnection } from './consul-connection.js';
import { agentOf } from './consul-info.js';

/**
 * Creates one of Consul's own sessions; returns its id. Consul wants to know a node that it belongs to. Unless told it
 * takes the agent that is asked, but another datacenter does not know that one: there it is the first of the servers.
 */
export async function createSession(connection: ConsulConnection, settings: object): Promise<string> {
  const { datacenter } = connection;
  const own = datacenter === undefined ? undefined : (await agentOf(connection)).datacenter;
  const isRemote = datacenter !== own;
  const node = isRemote ? await serverOf(connection) : undefined;
  if (isRemote && own !== undefined && node === undefined) throw hiddenError(datacenter);
  const body = JSON.stringify({ ...settings, Node: node });
  const { text } = await connection
    .request({ method: 'PUT', path: '/v1/session/create', body })
    .catch((error: unknown) => {
      const isUnknown = /missing node registration/i.test(String(error));
      throw isRemote && node === undefined && isUnknown ? hiddenError(datacenter) : error;
    });
  return (connection.parsed(text) as { ID: string }).ID;
}

/** What a token may not read is left out of the answer, or the answer is denied. */
async function serverOf(connection: ConsulConnection): Promise<string | undefined> {
  const path = '/v1/catalog/service/consul';
  const { status, text } = await connection.request({ method: 'GET', path, accept: [403] });
  return status === 403 ? undefined : (connection.parsed(text) as { Node: string }[])[0]?.Node;
}

function hiddenError(datacenter: string | undefined): RegistryRefusedError {
  return new RegistryRefusedError(
    `Consul does not tell of the servers of datacenter ${datacenter}, one of which is to hold the sessions: give in ` +
      '"token" the secret of an ACL token whose policy also has service_prefix "" { policy = "read" } and ' +
      'node_prefix "" { policy = "read" }.',
  );
}
