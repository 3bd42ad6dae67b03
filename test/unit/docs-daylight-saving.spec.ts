import { describe, expect, it } from '@jest/globals';
import { changes } from '../../bench/daylight-saving/changes.js';
import { faultsOf } from '../../bench/daylight-saving/faults.js';
import { firedByUs } from '../../bench/daylight-saving/ours.js';
import { Page } from '../../bench/common/page.js';
import { policiesText, runsText, titleOf } from '../../bench/daylight-saving/tables.js';

/** The rows of a table, cell by cell, without its head. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

const page = new Page('daylight-saving.md');
const sections = page.read('changes').split(/^### /m).slice(1);

describe('docs/daylight-saving.md', () => {
  it('has every change with every expression, and nothing else', () => {
    expect(sections.map((text) => text.split('\n')[0])).toEqual(changes.map(titleOf));
    const expressions = sections.map((text) => rowsOf(text).map(([expression]) => expression));
    expect(expressions).toEqual(changes.map((change) => change.expressions.map((expression) => `\`${expression}\``)));
  });

  it.each(changes.map((change, i) => [titleOf(change), change, sections[i]] as const))(
    'says what we fire: %s',
    (_title, change, section) => {
      const said = rowsOf(section!).map(([, ours]) => ours);
      expect(said).toEqual(change.expressions.map((text) => runsText(change, firedByUs(text, change))));
    },
  );

  it.each(changes.map((change) => [titleOf(change), change] as const))(
    'finds nothing wrong with ours by the judge of the others: %s',
    (_title, change) => {
      const faults = change.expressions.map((text) => [text, faultsOf(text, change, { at: firedByUs(text, change) })]);
      expect(faults).toEqual(change.expressions.map((text) => [text, []]));
    },
  );

  it('has a judge that sees what is lost, added and not made up for', () => {
    const [spring, autumn] = [changes[0]!, changes[1]!];
    const at = (time: string): number[] => [Date.parse(`2025-11-02T${time}Z`)];
    expect(faultsOf('30 2 * * *', spring, { at: [] })).toEqual(['does not run']);
    expect(faultsOf('30 2 * * *', autumn, { at: [] })).toEqual(['loses 02:30 (−5)']);
    expect(faultsOf('30 1 * * *', autumn, { at: at('06:30') })).toEqual([]);
    expect(faultsOf('30 2 * * *', autumn, { at: [...at('06:30'), ...at('07:30')] })).toEqual([
      'also runs at 01:30 (−5)',
    ]);
    expect(faultsOf('30 2 * * *', autumn, { at: [], failed: 'no' })).toEqual(['throws “no”']);
  });

  it('says what each of the six policies does', () => {
    expect(page.read('policies')).toBe(policiesText());
  });

  it('shows the six policies as they were meant', () => {
    const shown = rowsOf(page.read('policies')).map(([policy, gap, , overlap]) => [policy, gap, overlap]);
    expect(shown).toEqual([
      ["`{ gap: 'shift', overlap: 'first' }`", '03:30 (−4)', '01:30 (−4)'],
      ["`{ gap: 'shift', overlap: 'second' }`", '03:30 (−4)', '01:30 (−5)'],
      ["`{ gap: 'shift', overlap: 'both' }`", '03:30 (−4)', '01:30 (−4) · 01:30 (−5)'],
      ["`{ gap: 'skip', overlap: 'first' }`", '–', '01:30 (−4)'],
      ["`{ gap: 'skip', overlap: 'second' }`", '–', '01:30 (−5)'],
      ["`{ gap: 'skip', overlap: 'both' }`", '–', '01:30 (−4) · 01:30 (−5)'],
    ]);
  });

  it('was written with everything measured, and names the versions', () => {
    const widths = sections.flatMap((text) => rowsOf(text).map((cells) => cells.filter(Boolean).length));
    expect(new Set(widths)).toEqual(new Set([6]));
    expect(page.read('versions')).toMatch(
      /`cron` \d.*`croner` \d.*`cron-parser` \d.*Debian’s `cron` \d.*zone data \d{4}\w/,
    );
  });
});
