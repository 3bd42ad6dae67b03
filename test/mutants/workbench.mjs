import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyEdit, editsOf } from './apply.mjs';

/** What the simulation needs of the tree; `lib` is where the bugs go. */
const PARTS = ['lib', 'test/simulation', 'test/support', 'package.json', 'tsconfig.json'];

/** A copy of the tree, in which bugs are made and mended. */
export class Workbench {
  constructor(root) {
    this.root = root;
    this.path = mkdtempSync(join(tmpdir(), 'distributed-schedule-mutants-'));
    for (const part of PARTS) {
      if (existsSync(join(root, part))) cpSync(join(root, part), join(this.path, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.path, 'node_modules'), 'junction');
  }

  /** @returns what mends it again */
  apply(mutant) {
    const files = mutatedFiles(this.path, mutant).map((file) => ({ ...file, path: join(this.path, file.name) }));
    for (const { path, mutated } of files) writeFileSync(path, mutated);
    return () => files.forEach(({ path, text }) => writeFileSync(path, text));
  }

  dispose() {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The files that a mutant changes. @throws Error where it no longer fits the tree */
export function mutatedFiles(root, mutant) {
  return editsOf(mutant).map(([name, edits]) => {
    try {
      const text = readFileSync(join(root, name), 'utf8');
      return { name, text, mutated: edits.reduce(applyEdit, text) };
    } catch (error) {
      throw new Error(`Mutant "${mutant.name}" no longer applies to ${name}: ${error.message}`, { cause: error });
    }
  });
}
