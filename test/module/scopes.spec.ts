import { Inject, Injectable, Scope } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST, type ContextId, type ContextIdStrategy } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { InjectTaskRun, TaskHandler, type TaskRun } from 'nestjs-distributed-schedule';
import { event, start, type TestApp } from './application.js';

interface Payload {
  tenant: string;
}

/** Runs a task for this tenant and waits for its result. */
async function runFor(app: TestApp, name: string, tenant: string): Promise<unknown> {
  const done = event(app, 'run.succeeded', `${name}:${tenant}`);
  await app.service.putTask({ name: `${name}:${tenant}`, handler: name, schedule: 'now', payload: { tenant } });
  return (await done).result;
}

describe('durable providers', () => {
  const tenants = new Map<string, ContextId>();

  /** As the documentation of Nest has it, with the tenant from the payload of the run. */
  const byTenant: ContextIdStrategy = {
    attach(contextId: ContextId, run: TaskRun<Payload>) {
      const { tenant } = run.payload;
      const subTree = tenants.get(tenant) ?? ContextIdFactory.create();
      tenants.set(tenant, subTree);
      return {
        resolve: (info) => (info.isTreeDurable ? subTree : contextId),
        payload: { tenant },
      };
    },
  };

  afterEach(() => {
    tenants.clear();
    ContextIdFactory.apply(undefined as never);
  });

  let made = 0;

  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Connection {
    readonly number = ++made;
    constructor(@Inject(REQUEST) readonly request: Payload) {}
  }

  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Invoices {
    constructor(private readonly connection: Connection) {}

    @TaskHandler('durable')
    send() {
      return [this.connection.number, { ...this.connection.request }];
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class Reports {
    constructor(
      private readonly connection: Connection,
      @InjectTaskRun() private readonly run: TaskRun,
    ) {}

    @TaskHandler('mixed')
    send() {
      return [this.connection.number, this.run.task];
    }
  }

  it('are one instance per tenant, over all runs; REQUEST there is what the strategy says', async () => {
    made = 0;
    ContextIdFactory.apply(byTenant);
    await using app = await start({ providers: [Connection, Invoices] });
    const results = [];
    for (const tenant of ['acme', 'globex', 'acme']) results.push(await runFor(app, 'durable', tenant));
    expect(results).toEqual([
      [1, { tenant: 'acme' }],
      [2, { tenant: 'globex' }],
      [1, { tenant: 'acme' }],
    ]);
  });

  it('serve providers that live for one attempt, which get their run', async () => {
    made = 0;
    ContextIdFactory.apply(byTenant);
    await using app = await start({ providers: [Connection, Reports] });
    const results = [];
    for (const tenant of ['acme', 'globex', 'acme']) results.push(await runFor(app, 'mixed', tenant));
    expect(results).toEqual([
      [1, 'mixed:acme'],
      [2, 'mixed:globex'],
      [1, 'mixed:acme'],
    ]);
  });

  it('without a strategy live for one attempt', async () => {
    made = 0;
    await using app = await start({ providers: [Connection, Reports] });
    expect(await runFor(app, 'mixed', 'acme')).toEqual([1, 'mixed:acme']);
    expect(await runFor(app, 'mixed', 'acme')).toEqual([2, 'mixed:acme']);
  });
});

describe('what a handler resolves for its run', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Basket {
    constructor(@InjectTaskRun() readonly run: TaskRun) {}
  }

  @Injectable({ scope: Scope.REQUEST })
  class Jobs {
    constructor(
      private readonly basket: Basket,
      private readonly modules: ModuleRef,
    ) {}

    @TaskHandler('resolve')
    async resolve(run: TaskRun) {
      const basket = await this.modules.resolve(Basket, ContextIdFactory.getByRequest(run));
      return [basket === this.basket, basket.run === run];
    }
  }

  it('is what was injected, by the context that belongs to it', async () => {
    await using app = await start({ providers: [Basket, Jobs] });
    expect(await runFor(app, 'resolve', 'acme')).toEqual([true, true]);
  });
});
