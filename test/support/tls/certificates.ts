import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Name = 'ca' | 'server' | 'server-key' | 'client' | 'client-key';

/** For the command line of a server. */
export const certificatePath = (name: Name): string => fileURLToPath(new URL(`./${name}.pem`, import.meta.url));

export const certificate = (name: Name): string => readFileSync(certificatePath(name), 'utf8');
