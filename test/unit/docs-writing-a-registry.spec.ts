import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { setUpSql } from '../../docs/examples/postgres-schema.js';

const doc = readFileSync('docs/writing-a-registry.md', 'utf8');

/** `<!-- from: file -->` stands before a block that is taken from the file; a line of `…` leaves something out. */
const blocks = [...doc.matchAll(/<!-- from: (\S+) -->\n```\w+\n([^]*?)```/g)].map(([, file, text]) => ({
  file: file!,
  text: text!,
}));
const ELISION = /^\s*(?:\/\/|--)? ?…\n/m;
/** Blocks are not as deeply indented as what they are taken from. */
const bare = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/gm, '');
/** The SQL is quoted as the server gets it. */
const sourceOf = (file: string): string =>
  bare(readFileSync(`docs/examples/${file}`, 'utf8')) + (file.includes('schema') ? bare(setUpSql('nds')) : '');

describe('docs/writing-a-registry.md', () => {
  it('quotes every file of the example', () => {
    const files = readdirSync('docs/examples').filter((file) => file.endsWith('.ts'));
    expect([...new Set(blocks.map(({ file }) => file))].sort()).toEqual(files.sort());
  });

  it.each(blocks.map(({ file, text }) => [file, text.trim().split('\n')[0], text]))(
    'quotes %s as it is: %s',
    (file, _start, text) => {
      let rest = sourceOf(file!);
      for (const piece of text!.split(ELISION).map((part) => bare(part).trim())) {
        expect(rest).toContain(piece);
        rest = rest.slice(rest.indexOf(piece) + piece.length);
      }
    },
  );

  it('names files that are there', () => {
    const links = [...doc.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => target!).filter((to) => !to.includes('://'));
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect(() => readFileSync(`docs/${link}`)).not.toThrow();
  });
});
