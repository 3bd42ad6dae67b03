import type { Disposable } from '../common/disposable.js';

/**
 * The switch that ends a run early. Its `AbortSignal` comes into being when a handler first asks for it: most never do,
 * and at ten thousand runs a second making one costs more than the rest of the run.
 */
export class RunAbort {
  private cause?: Error;
  private controller?: AbortController;
  private listeners?: Set<() => void>;

  get aborted(): boolean {
    return this.cause !== undefined;
  }

  /** Why; set once `aborted`. */
  get reason(): Error | undefined {
    return this.cause;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.cause && !this.controller.signal.aborted) this.controller.abort(this.cause);
    return this.controller.signal;
  }

  /** The first reason stands. */
  abort(reason: Error): void {
    if (this.cause) return;
    this.cause = reason;
    this.controller?.abort(reason);
    for (const listener of [...(this.listeners ?? [])]) listener();
  }

  /** Calls `listener` when the run is aborted, at once if it has been. */
  onAbort(listener: () => void): Disposable {
    if (this.cause) listener();
    else (this.listeners ??= new Set()).add(listener);
    return { dispose: () => void this.listeners?.delete(listener) };
  }
}
