export interface ZookeeperPlaces {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Path of the node below which everything is kept, or nothing. */
  readonly chroot: string;
}

const SERVER = /^(\[[0-9a-fA-F:.]+\]|[^\s:@/[\],]+)(?::(\d{1,5}))?$/;
const DEFAULT_PORT = 2_181;

/** Reads an address that has no problem. */
export function placesOf(connect: string): ZookeeperPlaces {
  const [list, chroot] = split(connect);
  const servers = list.split(',').map((text) => {
    const [, host, port] = SERVER.exec(text.trim())!;
    return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port ?? DEFAULT_PORT) };
  });
  return { servers, chroot };
}

/** What is wrong with an address, without quoting it: it may hold a password, though that is not its place. */
export function connectProblem(connect: unknown): string | undefined {
  if (typeof connect !== 'string') return "must name the servers, as 'zk1:2181,zk2:2181,zk3:2181/apps/shop'";
  const [list, chroot] = split(connect);
  if (list.includes('@')) return 'has no place for a user and password; give them in "auth" beside it';
  const wrong = list.split(',').findIndex((text) => {
    const match = SERVER.exec(text.trim());
    return !match || Number(match[2] ?? DEFAULT_PORT) > 65_535 || match[2] === '0';
  });
  if (wrong >= 0) return `server ${wrong + 1} must be host:port, as 'zk1:2181' or '[::1]:2181'`;
  if (chroot === '' || /^(\/(?!\.{1,2}(\/|$))[!-+.0-~-]+)+$/.test(chroot)) return undefined;
  return "what follows the servers must be the path of a node, as '/apps/shop'";
}

/** A slash alone means what none means. */
function split(connect: string): [list: string, chroot: string] {
  const at = connect.indexOf('/');
  if (at < 0) return [connect.trim(), ''];
  return [connect.slice(0, at), connect.slice(at).trim().replace(/\/$/, '')];
}
