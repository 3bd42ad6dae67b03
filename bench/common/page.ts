import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `<!-- begin: name -->` … `<!-- end: name -->`: what stands between is generated, everything else is written by hand. */
const block = (name: string): RegExp => new RegExp(`(<!-- begin: ${name} -->\n)([^]*?)(<!-- end: ${name} -->)`);

/** A page of docs/ with parts that benches write. */
export class Page {
  private readonly path: string;

  constructor(private readonly name: string) {
    this.path = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  }

  /** @throws Error where the page has no such block */
  read(name: string): string {
    const [, , content] = block(name).exec(readFileSync(this.path, 'utf8')) ?? [];
    if (content === undefined) throw new Error(`docs/${this.name} has no block "${name}"`);
    return content.trimEnd();
  }

  write(blocks: Readonly<Record<string, string>>): void {
    let page = readFileSync(this.path, 'utf8');
    for (const [name, content] of Object.entries(blocks)) {
      page = page.replace(block(name), (_, begin: string, _old, end: string) => `${begin}${content}\n${end}`);
    }
    writeFileSync(this.path, page);
  }
}
