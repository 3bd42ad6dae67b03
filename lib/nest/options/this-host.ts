import { hostname, networkInterfaces } from 'node:os';

/** The machine's name, in the letters a node id may have. */
export function thisHostname(): string {
  return (
    hostname()
      .replaceAll(/[^\w.-]/g, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 90) || 'node'
  );
}

/** The first address that others may reach, if the machine has any: IPv4 before IPv6. */
export function thisAddress(): string | undefined {
  const outward = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ internal }) => !internal));
  return (outward.find(({ family }) => family === 'IPv4') ?? outward[0])?.address;
}
