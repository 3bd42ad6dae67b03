import type { Row } from './report.js';
import { load } from './peer.js';

/** Bars, one for each row that has the figure, with its range; on a logarithmic scale, as the peers lie far apart. */
export interface Chart {
  /** Columns that name a bar. */
  readonly label: readonly string[];
  readonly value: string;
  /** Ours stand out. */
  readonly isOurs: (row: Row) => boolean;
}

interface Vega {
  parse(spec: object): unknown;
  View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG(): Promise<string> };
}

interface VegaLite {
  compile(spec: object): { spec: object };
}

/** As SVG, on white: it is read in light and dark pages. */
export async function chartOf(rows: readonly Row[], { label, value, isOurs }: Chart): Promise<string> {
  const values = rows.flatMap((row) => {
    const cell = row[value];
    const figures = typeof cell === 'number' ? { median: cell, min: cell, max: cell } : cell;
    if (typeof figures !== 'object' || figures.median <= 0) return []; // nothing to draw on such a scale
    const bar = label
      .map((column) => row[column])
      .filter((name) => typeof name === 'string' || typeof name === 'number');
    return [{ ...figures, bar: bar.join(' · '), ours: isOurs(row) }];
  });
  const floor = Math.min(...values.map(({ min, median }) => (min > 0 ? min : median))) / 2;
  const y = { field: 'bar', type: 'nominal', sort: null, title: null, axis: { labelLimit: 400 } };
  const scale = { type: 'log', domainMin: floor };
  const vegaLite = await load<VegaLite>('vega-lite');
  const { spec } = vegaLite.compile({
    background: 'white',
    width: 480,
    height: { step: 20 },
    data: { values },
    encoding: { y },
    layer: [
      {
        mark: { type: 'bar', height: 13 },
        encoding: {
          x: { field: 'median', type: 'quantitative', scale, title: `${value}, logarithmic` },
          x2: { datum: floor },
          color: { condition: { test: 'datum.ours', value: '#e0234e' }, value: '#9aa5b1' },
        },
      },
      {
        mark: { type: 'rule', color: '#333' },
        encoding: { x: { field: 'min', type: 'quantitative', scale }, x2: { field: 'max' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 10 },
        encoding: {
          x: { field: 'max', type: 'quantitative', scale },
          text: { field: 'median', type: 'quantitative', format: ',.3~r' },
        },
      },
    ],
  });
  const vega = await load<Vega>('vega');
  return await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG();
}
