import { expect } from '@jest/globals';
import type { ChaosCluster } from './cluster.js';
import { conclude, type Conclusion } from './conclusion.js';

/** Of what is wrong; the figures tell how much there is. */
const SHOWN = 10;

/** Ends the scenario, prints its figures, and expects that no promise was broken and that the books add up. */
export async function expectSound(cluster: ChaosCluster, title: string): Promise<Conclusion> {
  const end = await conclude(cluster);
  print(title, end.lines);
  const [violations, discrepancies, crashes] = [end.violations, end.discrepancies, end.crashes].map((found) =>
    found.slice(0, SHOWN),
  );
  expect({ violations, discrepancies, crashes }).toEqual({ violations: [], discrepancies: [], crashes: [] });
  return end;
}

/** Past Jest's console, which would put a stack under each line. */
export function print(title: string, lines: readonly string[]): void {
  process.stderr.write([`\n${title}`, ...lines.map((line) => `  ${line}`), ''].join('\n'));
}
