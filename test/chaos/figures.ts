/** `p50 12 ms, p99 40 ms, max 61 ms of 200`, for people. */
export function quantiles(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p: number): string =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]!.toFixed(1)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} of ${sorted.length}`;
}
