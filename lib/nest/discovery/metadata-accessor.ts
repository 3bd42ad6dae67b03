import { Injectable } from '@nestjs/common';
import { MIDDLEWARE_MARKS, type MiddlewareMarks } from '../decorators/use-task-middleware.decorator.js';
import { METHOD_MARKS, type MethodMark } from '../decorators/task-metadata.js';

/** Reads what the decorators noted about a class and those it extends. */
@Injectable()
export class MetadataAccessor {
  /** In source order, inherited methods first. Where a child decorates a method anew, its parents' marks on it are gone. */
  marksOf(type: object): MethodMark[] {
    const lineage: MethodMark[][] = [];
    for (let one: object | null = type; typeof one === 'function'; one = Object.getPrototypeOf(one) as object | null) {
      lineage.push((Reflect.getOwnMetadata(METHOD_MARKS, one) ?? []) as MethodMark[]);
    }
    const seen = new Set<string | symbol>();
    const own = lineage.map((marks) => {
      const fresh = marks.filter(({ method }) => !seen.has(method));
      for (const { method } of fresh) seen.add(method);
      return fresh;
    });
    return own.reverse().flat();
  }

  /** Methods of the class, and of those it extends, with middlewares although they are neither tasks nor handlers. */
  idleMiddlewaresOf(type: object): (string | symbol)[] {
    const run = this.marksOf(type).filter(({ kind }) => kind === 'task' || kind === 'handler');
    const idle = new Set<string | symbol>();
    for (let one: object | null = type; typeof one === 'function'; one = Object.getPrototypeOf(one) as object | null) {
      const marks = (Reflect.getOwnMetadata(MIDDLEWARE_MARKS, one) ?? new Map()) as MiddlewareMarks;
      for (const method of marks.keys()) if (method !== undefined) idle.add(method);
    }
    for (const { method } of run) idle.delete(method);
    return [...idle];
  }
}
