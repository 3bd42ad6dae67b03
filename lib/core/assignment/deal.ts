import type { Candidate } from './assignment-strategy.js';

/** Where each candidate's stretch of `0 … total` ends when that is cut by weight, in the order of the candidates. */
export function cutByWeight(total: number, candidates: readonly Candidate[]): number[] {
  const sum = candidates.reduce((all, { weight }) => all + weight, 0);
  let before = 0;
  return candidates.map(({ weight }) => Math.round((total * (before += weight)) / sum));
}

/**
 * `count` cards dealt by weight: at each place the index of the candidate that has it. With equal weights in turn; with
 * twice the weight twice as often, as evenly spread as can be.
 */
export function deal(count: number, candidates: readonly Candidate[]): Uint32Array {
  const [first] = candidates;
  if (candidates.every(({ weight }) => weight === first!.weight))
    return new Uint32Array(count).map((_, place) => place % candidates.length);
  const sum = candidates.reduce((all, { weight }) => all + weight, 0);
  const turns = candidates.flatMap(({ weight }, index) => {
    const most = Math.ceil((count * weight) / sum) + 1;
    return Array.from({ length: most }, (_, turn) => ({ at: (turn + 0.5) / weight, index }));
  });
  turns.sort((a, b) => a.at - b.at || a.index - b.index);
  return Uint32Array.from(turns.slice(0, count), ({ index }) => index);
}
