import type { ClusterView } from '../cluster/cluster-view.js';
import type { HandlerTable } from '../execution/handler-table.js';
import type { Catalog } from '../task/catalog.js';
import { isPresent, type TaskDocument } from '../task/task-definition.js';
import type { DeclaredAs, TaskMover } from './task-mover.js';

/** Longer chains of names are no chains of renames. */
const MOST_NAMES = 10;

/** What a task has been called since it had this name, this one first. */
export function namesSince(catalog: Pick<Catalog, 'get'>, name: string): string[] {
  const names = [name];
  while (names.length < MOST_NAMES) {
    const to = catalog.get(names.at(-1)!)?.doc.rename?.to;
    if (to === undefined || names.includes(to)) break;
    names.push(to);
  }
  return names;
}

/** Whether a task may be declared under its name now; `over`: the generation of what may be written over for it. */
export type Settled = { isFree: false } | { isFree: true; over?: string };

/**
 * Under which of its names a task goes on, while versions of the code with one and with the other run side by side: under
 * the one that every node can run that has it at all. Nodes that list an alias publish both names, so while an older
 * version is there it is the former name, and the new one once the last of the older ones is gone; in a deploy that is
 * rolled back it is the other way round. Only one of them has ticks at any time.
 */
export class Renames {
  constructor(
    private readonly catalog: Catalog,
    private readonly view: ClusterView,
    private readonly handlers: HandlerTable,
    private readonly mover: TaskMover,
  ) {}

  /**
   * Called before this node declares the task, and at each resync.
   * @param hashes of the declaration, as it would be under that former name and as it is
   */
  async settle(name: string, aliases: readonly string[], hashes: (former: string) => DeclaredAs): Promise<Settled> {
    await this.finish(name);
    for (const former of this.formerNames(name, aliases)) {
      await this.finish(former);
      if (!(await this.unite(name, former, hashes))) return { isFree: false };
    }
    const doc = this.catalog.get(name)?.doc;
    if (doc?.rename && doc.rename.step !== 'done') return { isFree: false };
    return { isFree: true, ...(doc?.rename && { over: doc.generation }) };
  }

  /** Whether anything is to be settled of the task. */
  concerns(name: string, aliases: readonly string[]): boolean {
    return aliases.length > 0 || this.catalog.get(name)?.doc.rename !== undefined;
  }

  /** Its aliases, and where it has gone by a version of the code that this node does not have. */
  private formerNames(name: string, aliases: readonly string[]): Set<string> {
    const names = new Set(aliases);
    let at = name;
    for (let count = 0; count < MOST_NAMES; count++) {
      const to = this.catalog.get(at)?.doc.rename?.to;
      if (to === undefined || this.has(to)) break;
      names.add((at = to));
    }
    names.delete(name);
    return names;
  }

  /** What has been begun under this name. Where this node alone would be left without the task, it is not. */
  private async finish(name: string): Promise<void> {
    const rename = this.catalog.get(name)?.doc.rename;
    if (!rename || rename.step === 'done') return;
    if (rename.step === 'asked' && this.has(name) && !this.has(rename.to)) await this.mover.takeBack(name);
    else await this.mover.goOn(name);
  }

  /** @returns whether the task may be declared under `name` */
  private async unite(name: string, former: string, hashes: (former: string) => DeclaredAs): Promise<boolean> {
    if (this.isTied(former, name)) {
      const isTiedToo = this.isTied(name, former);
      // both were declared before anybody could tell: the one that all can run goes on
      if (this.doc(former) && this.doc(name) && !isTiedToo) await this.mover.move(name, former);
      return isTiedToo && this.doc(name) !== undefined;
    }
    if (this.doc(former)) await this.mover.move(former, name, hashes(former));
    const left = this.catalog.get(former)?.doc;
    return !isStaticAndPresent(left) && (left?.rename === undefined || left.rename.step === 'done');
  }

  /** Whether some node has the one and not the other: there the task can only go on as it is. */
  private isTied(name: string, to: string): boolean {
    return this.view
      .list()
      .some(({ status, handlers }) => status !== 'leaving' && handlers.includes(name) && !handlers.includes(to));
  }

  private has(name: string): boolean {
    return this.handlers.has({ handler: name, source: 'static' });
  }

  private doc(name: string): TaskDocument | undefined {
    const doc = this.catalog.get(name)?.doc;
    return isStaticAndPresent(doc) ? doc : undefined;
  }
}

function isStaticAndPresent(doc: TaskDocument | undefined): boolean {
  return isPresent(doc) && doc.definition.source === 'static';
}
