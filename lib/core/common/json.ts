/** What can be stored in a registry: payloads and results. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The value as JSON text, or the reason why it cannot be stored: cycles, BigInt, too large. `undefined` is stored as null.
 */
export function encodeJson(value: unknown, maxBytes: number): { text: string } | { problem: string } {
  let text: string;
  try {
    text = JSON.stringify(value ?? null) ?? 'null';
  } catch (error) {
    return { problem: error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message };
  }
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? { problem: `it takes ${bytes} bytes of JSON, the limit is ${maxBytes}` } : { text };
}
