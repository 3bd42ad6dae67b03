/** What can be stored in a registry: payloads and results. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The value as JSON text, or the reason why it cannot be stored: cycles, BigInt, too large. `undefined` is stored as null.
 */
export function encodeJson(value: unknown, maxBytes: number): { text: string } | { problem: string } {
  return encode(value, maxBytes);
}

/**
 * What is kept of a value for people to look at, results and data of logs: BigInts as decimal text; in place of what cannot
 * be stored the reason.
 */
export function keptJson(value: unknown, maxBytes: number): Json {
  const encoded = encode(value, maxBytes, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner));
  return 'text' in encoded ? (JSON.parse(encoded.text) as Json) : `(not kept: ${encoded.problem})`;
}

function encode(
  value: unknown,
  maxBytes: number,
  replacer?: (key: string, value: unknown) => unknown,
): { text: string } | { problem: string } {
  let text: string;
  try {
    text = JSON.stringify(value ?? null, replacer) ?? 'null';
  } catch (error) {
    return { problem: error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message };
  }
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? { problem: `it takes ${bytes} bytes of JSON, the limit is ${maxBytes}` } : { text };
}
