import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { of, throwError } from 'rxjs';
import { currentTaskRun, type TaskMiddleware, type TaskRun } from 'nestjs-distributed-schedule';
import { withCurrentRun } from '../../../lib/core/execution/current-run.js';
import { around, requireMiddlewares } from '../../../lib/core/execution/middleware.js';

const run = { id: 'r1', task: 't' } as TaskRun;

/** A promise that the test settles. */
function gate() {
  let open!: (value?: unknown) => void;
  let fail!: (error: Error) => void;
  const passed = new Promise((resolve, reject) => ([open, fail] = [resolve, reject]));
  return { passed, open, fail };
}

/** Lets everything happen that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('middlewares', () => {
  it('stand around the handler in order, and see what it gives', async () => {
    const seen: unknown[] = [];
    const note =
      (name: string): TaskMiddleware =>
      async (given, next) => {
        seen.push(`${name} in`, given);
        const value = await next();
        seen.push(`${name} out`, value);
        return `${name}(${String(value)})`;
      };
    const handler = around([note('a'), note('b')], () => 'value');
    expect(await handler(run)).toBe('a(b(value))');
    expect(seen).toEqual(['a in', run, 'b in', run, 'b out', 'value', 'a out', 'b(value)']);
  });

  it('give the value on where they return what next gives, without being async', async () => {
    expect(await around([(_run, next) => next()], async () => 7)(run)).toBe(7);
  });

  it('see what the handler throws, and may throw or give something else', async () => {
    const fails = (): never => {
      throw new Error('broken');
    };
    const mapped: TaskMiddleware = (_run, next) =>
      next().catch((error: Error) => Promise.reject(new TypeError(`mapped: ${error.message}`)));
    const forgiving: TaskMiddleware = async (_run, next) => {
      try {
        return await next();
      } catch {
        return 'forgiven';
      }
    };
    await expect(around([mapped], fails)(run)).rejects.toThrow(new TypeError('mapped: broken'));
    expect(await around([forgiving, mapped], fails)(run)).toBe('forgiven');
  });

  it('may keep the handler from being called', async () => {
    let calls = 0;
    expect(await around([() => 'no'], () => ++calls)(run)).toBe('no');
    expect(calls).toBe(0);
  });

  it('may call it again after it failed', async () => {
    let calls = 0;
    const again: TaskMiddleware = async (_run, next) => {
      try {
        return await next();
      } catch {
        return next();
      }
    };
    const handler = around([again], () => {
      if (++calls === 1) throw new Error('deadlock');
      return calls;
    });
    expect(await handler(run)).toBe(2);
  });

  it('get the last value of an observable, and may give one', async () => {
    const double: TaskMiddleware = async (_run, next) => of(0, ((await next()) as number) * 2);
    expect(await around([double], () => of(1, 2, 3))(run)).toBe(6);
    const failing = around([(_run, next) => next()], () => throwError(() => new Error('stream')));
    await expect(failing(run)).rejects.toThrow('stream');
  });

  it('that return early are waited for until the handler has ended', async () => {
    const { passed, open } = gate();
    const impatient: TaskMiddleware = (_run, next) => Promise.race([next(), Promise.resolve('early')]);
    const result = around([impatient], () => passed)(run);
    let isOver = false;
    void Promise.resolve(result).then(() => (isOver = true));
    await settle();
    expect(isOver).toBe(false);
    open('late');
    expect(await result).toBe('early');
  });

  it('that throw early are waited for as well, and what they threw stands', async () => {
    const { passed, fail } = gate();
    const result = around(
      [
        async (_run, next) => {
          void next();
          throw new Error('mine');
        },
      ],
      () => passed,
    )(run) as Promise<unknown>;
    let isOver = false;
    result.catch(() => (isOver = true));
    await settle();
    expect(isOver).toBe(false);
    fail(new Error('its'));
    await expect(result).rejects.toThrow('mine');
  });

  it.each<[string, TaskMiddleware]>([
    ['nothing, at once', (_run, next) => void next()],
    ['a value, at once', (_run, next) => (void next(), 'fine')],
    ['after the handler has ended', async (_run, next) => (void next(), settle())],
  ])('cannot lose a failure by not looking at it: returning %s', async (_how, careless) => {
    const handler = around([careless], async () => {
      throw new Error('broken');
    });
    await expect(handler(run)).rejects.toThrow('broken');
  });

  it('cannot begin the handler once they have returned', async () => {
    let calls = 0;
    let late!: () => Promise<unknown>;
    const leaking: TaskMiddleware = (_run, next) => {
      late = next;
      return next();
    };
    await around([leaking], () => ++calls)(run);
    await expect(late()).rejects.toThrow(
      'A middleware of task "t" called next() after it had returned; run r1 is over',
    );
    expect(calls).toBe(1);
  });
});

describe('what is no middleware', () => {
  class Audit {
    use(_run: TaskRun, next: () => Promise<unknown>) {
      return next();
    }
  }

  it('is refused by name', () => {
    expect(requireMiddlewares('t', [new Audit(), () => 1])).toHaveLength(2);
    expect(() => requireMiddlewares('t', Audit)).toThrow('middleware: a function is no list');
    expect(() => requireMiddlewares('t', [() => 1, Audit])).toThrow('middleware[1]: the class Audit is no middleware');
    expect(() => requireMiddlewares('t', ['audit'])).toThrow(
      /^Task "t" is not valid:\n {2}- middleware\[0\]: "audit" is no middleware/,
    );
  });
});

describe('currentTaskRun', () => {
  it('is the run of the caller, after whatever it awaited and beside other runs', async () => {
    const other = { id: 'r2' } as TaskRun;
    const seen: unknown[] = [];
    const { passed, open } = gate();
    const handler = async (): Promise<void> => {
      seen.push(currentTaskRun());
      await passed;
      await settle();
      seen.push(currentTaskRun());
    };
    const both = Promise.all([withCurrentRun(run, handler), withCurrentRun(other, handler)]);
    expect(currentTaskRun()).toBeUndefined();
    open();
    await both;
    expect(seen).toEqual([run, other, run, other]);
  });

  it('is over with its attempt, also for what the handler left behind', async () => {
    const { passed, open } = gate();
    let later!: Promise<unknown>;
    await withCurrentRun(run, () => {
      later = passed.then(() => currentTaskRun());
    });
    open();
    expect(await later).toBeUndefined();
  });

  it('comes without what its caller keeps in storages of its own', async () => {
    const user = new AsyncLocalStorage<string>();
    const seen = await user.run('somebody', () => withCurrentRun(run, async () => user.getStore()));
    expect(seen).toBeUndefined();
  });
});
