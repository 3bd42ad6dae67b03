/** The shortest of several runs in milliseconds: what the work itself takes, free of whatever else the machine does. */
export function fastestOf(runs: number, work: () => unknown): number {
  let fastest = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    work();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}
