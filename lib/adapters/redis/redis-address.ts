import type { RedisOptions } from 'ioredis';
import type { RedisSource } from './redis-options.js';

/** The parts of a `redis://` address. Its query is not read: there it could switch off what keeps a claim safe. */
export function optionsOfUrl(text: string): RedisOptions {
  const url = new URL(text);
  const db = url.pathname.slice(1);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(db !== '' && { db: Number(db) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  };
}

/** What is wrong with an address, without quoting it: it may hold a password. */
export function urlProblem(text: unknown): string | undefined {
  const wanted = 'must be redis://[user:password@]host[:port][/database], or rediss:// for TLS';
  if (typeof text !== 'string' || !URL.canParse(text)) return wanted;
  const { protocol, hostname, pathname, search } = new URL(text);
  if (!/^rediss?:$/.test(protocol) || hostname === '' || !/^\/?\d*$/.test(pathname)) return wanted;
  return search === '' ? undefined : 'must have no query; give such settings in "options" beside it';
}

/** Every password among the options: at any depth, under any name that ends in `password` or `passphrase`, or in an address. */
export function secretsOf(source: RedisSource): string[] {
  const found: string[] = [];
  const visit = (value: unknown, name: string, depth: number): void => {
    if (typeof value === 'string') {
      if (/pass(word|phrase)$/i.test(name)) found.push(value);
      else if (URL.canParse(value)) found.push(decodeURIComponent(new URL(value).password));
    } else if (typeof value === 'object' && value !== null && depth > 0) {
      for (const [key, inner] of Object.entries(value)) visit(inner, key, depth - 1);
    }
  };
  visit('client' in source ? source.client.options : source, '', 4);
  return found.filter((secret) => secret !== '');
}
