const { imul } = Math; // a global looked up in each round is slow where a test runner wraps it

/**
 * A 32-bit hash of a string: FNV-1a over the UTF-16 units, then a final mix. FNV alone spreads names that differ in
 * the last character only over a narrow range; the mix repairs that. Every node computes the same value.
 */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = imul(h, 0x01000193);
  }
  return mix32(h);
}

/** Spreads a number over 32 bits: each bit given may turn any bit of the answer. */
export function mix32(given: number): number {
  let h = given ^ (given >>> 16);
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}
