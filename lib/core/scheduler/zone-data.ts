import type { NodeRecord } from '../cluster/node-record.js';

/**
 * What to say where nodes have time-zone data of different versions: wherever the rules of a zone have changed in between,
 * they compute different ticks for one local time. Each tick still runs once.
 */
export function zoneDataNote(own: string | undefined, nodes: readonly NodeRecord[]): string | undefined {
  const others = nodes.filter(({ tzData }) => own !== undefined && tzData !== undefined && tzData !== own);
  if (others.length === 0) return undefined;
  const versions = [...new Set(others.map(({ tzData }) => tzData))].join(', ');
  const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
  return `time-zone data ${own} here, ${versions} on node ${others[0]!.id}${more}: local times may differ where rules have changed; run one version of Node.js everywhere`;
}
