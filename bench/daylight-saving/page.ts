import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PAGE = fileURLToPath(new URL('../../docs/daylight-saving.md', import.meta.url));

/** `<!-- begin: name -->` … `<!-- end: name -->`: what stands between is generated, everything else is written by hand. */
const block = (name: string): RegExp => new RegExp(`(<!-- begin: ${name} -->\n)([^]*?)(<!-- end: ${name} -->)`);

/** @throws Error where the page has no such block */
export function readBlock(name: string): string {
  const [, , content] = block(name).exec(readFileSync(PAGE, 'utf8')) ?? [];
  if (content === undefined) throw new Error(`docs/daylight-saving.md has no block "${name}"`);
  return content.trimEnd();
}

export function writeBlocks(blocks: Readonly<Record<string, string>>): void {
  let page = readFileSync(PAGE, 'utf8');
  for (const [name, content] of Object.entries(blocks)) {
    page = page.replace(block(name), (_, begin: string, _old, end: string) => `${begin}${content}\n${end}`);
  }
  writeFileSync(PAGE, page);
}
