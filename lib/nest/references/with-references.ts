import type { Reference } from './reference.js';

/** Taken as a whole: nothing in it can be a reference by itself. */
type Whole = string | number | boolean | bigint | symbol | null | undefined | Date | ((...args: never[]) => unknown);

/** A duration that is looked up is just a text to the compiler; whether it is one is looked at when it is known. */
type AsText<T> = string extends T ? never : '1s' extends T ? string : never;

/** A value, or a reference to one; also of its parts. */
export type Referable<T> = unknown extends T ? T : Reference<T | AsText<T>> | Parts<T>;

type Parts<T> = T extends Whole ? T : { [K in keyof T]: Referable<T[K]> };

/** Known before anything is looked up: it decides where. */
type Fixed = 'scheduler';

/** Options of which each may be given by `fromConfig` or `fromProviders` instead, down to their parts. */
export type WithReferences<T> = { [K in keyof T]: K extends Fixed ? T[K] : Referable<T[K]> };
