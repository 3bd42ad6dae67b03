/** One call on one document, as its caller saw it. Values are unique per write, so a value names a version. */
export interface Operation {
  readonly client: number;
  readonly calledAt: number;
  /** Unset while the outcome is unknown: it may have been carried out at any time since, or never. */
  readonly returnedAt?: number;
  readonly what:
    | { readonly type: 'read'; readonly saw: string | undefined }
    | {
        readonly type: 'write';
        /** What it writes; undefined deletes. */
        readonly value: string | undefined;
        /** `any`, or the value (undefined: none) that must stand there. */
        readonly if: 'any' | { readonly value: string | undefined };
        /** Unset while the outcome is unknown. */
        readonly outcome?: { readonly ok: true } | { readonly ok: false; readonly saw: string | undefined };
      };
}

/**
 * Whether the calls on one document can be put in one order that respects real time and in which each call makes sense:
 * the search of Wing and Gong, remembering what was tried (Lowe). The document begins absent.
 */
export function isLinearizable(history: readonly Operation[]): boolean {
  const operations = [...history].sort((a, b) => a.calledAt - b.calledAt);
  const mustHappen = operations.reduce(
    (sum, { returnedAt }, i) => (returnedAt === undefined ? sum : sum | (1n << BigInt(i))),
    0n,
  );
  const tried = new Set<string>();

  const search = (done: bigint, state: string | undefined): boolean => {
    if ((done & mustHappen) === mustHappen) return true;
    const mark = `${done}|${state === undefined ? '' : `=${state}`}`;
    if (tried.has(mark)) return false;
    tried.add(mark);
    const isOpen = (i: number): boolean => ((done >> BigInt(i)) & 1n) === 0n;
    // Only a call that began before every open one returned may come next.
    let earliestReturn = Infinity;
    operations.forEach(({ returnedAt = Infinity }, i) => {
      if (isOpen(i)) earliestReturn = Math.min(earliestReturn, returnedAt);
    });
    return operations.some((operation, i) => {
      if (!isOpen(i) || operation.calledAt > earliestReturn) return false;
      const next = applied(operation.what, state);
      return next !== undefined && search(done | (1n << BigInt(i)), next.state);
    });
  };
  return search(0n, undefined);
}

/** The state after the call, or undefined where the call could not have seen what it saw. */
function applied(what: Operation['what'], state: string | undefined): { state: string | undefined } | undefined {
  if (what.type === 'read') return what.saw === state ? { state } : undefined;
  const holds = what.if === 'any' || what.if.value === state;
  if (!what.outcome) return { state: holds ? what.value : state };
  if (what.outcome.ok) return holds ? { state: what.value } : undefined;
  return !holds && what.outcome.saw === state ? { state } : undefined;
}
