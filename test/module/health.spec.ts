import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  DistributedScheduleModule,
  MemoryRegistry,
  MemoryStore,
  RegistryUnavailableError,
  SchedulerHealthIndicator,
  SchedulerService,
  type DistributedScheduleOptions,
} from 'nestjs-distributed-schedule';
import { systemClock } from '../../lib/core/common/clock.js';
import { event, LogBook } from './application.js';
import { listen, nestMajor } from './platform.js';

/** Terminus 11 has no word for it, and says why it is not quite up. */
const degraded = nestMajor === 11 ? { check: 'ok', probe: 'up' } : { check: 'degraded', probe: 'degraded' };

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly scheduler: SchedulerHealthIndicator,
  ) {}

  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.scheduler.isHealthy('scheduler')]);
  }

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.scheduler.isNodeReady('scheduler')]);
  }

  @Get('cluster')
  @HealthCheck()
  cluster() {
    return this.health.check([() => this.scheduler.isClusterHealthy('cluster', { minNodes: 2 })]);
  }
}

/** A registry that can be switched off. */
class Switchable extends MemoryRegistry {
  isAway = false;

  override async connect() {
    if (this.isAway) throw new RegistryUnavailableError('switched off', { outcomeUnknown: false });
  }

  override async openSession(options: { ttlMs: number }) {
    const session = await super.openSession(options);
    const renew = async (): Promise<'renewed' | 'expired'> => {
      await this.connect();
      return session.renew();
    };
    return { ...session, renew };
  }
}

let running: INestApplication | undefined;

afterEach(async () => {
  await running?.close();
  running = undefined;
  jest.restoreAllMocks();
});

async function serve(options: DistributedScheduleOptions) {
  @Module({
    imports: [TerminusModule.forRoot({ logger: false }), DistributedScheduleModule.forRoot(options)],
    controllers: [HealthController],
  })
  class App {}
  running = await listen(App, new LogBook());
  const url = await running.getUrl();
  const service = running.get(SchedulerService);
  const get = async (path: string) => {
    const answer = await fetch(`${url}/health/${path}`, { headers: { connection: 'close' } });
    const body = (await answer.json()) as { status: string; details: Record<string, Record<string, unknown>> };
    return { code: answer.status, status: body.status, details: body.details };
  };
  return { service, get };
}

describe('/health over HTTP', () => {
  it('tells what this node is', async () => {
    const { get } = await serve({ node: { id: 'n1' } });
    expect(await get('live')).toEqual({
      code: 200,
      status: 'ok',
      details: {
        scheduler: {
          status: 'up',
          nodeId: 'n1',
          state: 'working',
          session: { trusted: true },
          registry: { kind: 'memory' },
          clockOffsetMs: 0,
          owned: 0,
          running: 0,
          concurrency: 10,
          nodes: { starting: 0, working: 1, leaving: 0 },
        },
      },
    });
    expect(await get('ready')).toMatchObject({ code: 200, status: 'ok' });
  });

  it('is degraded and not down while the registry is away, and heals by itself', async () => {
    const registry = new Switchable();
    const { service, get } = await serve({
      registry,
      cluster: { sessionTtl: 300, heartbeatInterval: 20 },
    });
    const lost = event({ service }, 'session.lost');
    registry.isAway = true;
    await lost;
    for (const probe of ['live', 'ready', 'cluster']) {
      expect(await get(probe)).toMatchObject({ code: 200, status: degraded.check });
    }
    const { details } = await get('live');
    expect(details['scheduler']).toMatchObject({
      status: degraded.probe,
      state: 'rejoining',
      session: { trusted: false },
      degraded: ['not in the cluster (rejoining); it is tried until it works'],
    });
    const back = event({ service }, 'session.working');
    registry.isAway = false;
    await back;
    expect(await get('ready')).toMatchObject({ code: 200, status: 'ok' });
  });

  it('is degraded where the clock of the machine is off', async () => {
    const registry = new MemoryRegistry();
    registry.serverTime = async () => systemClock.now() + 5_000;
    const { get } = await serve({ registry });
    const { code, details } = await get('live');
    expect(code).toBe(200);
    expect(details['scheduler']).toMatchObject({
      status: degraded.probe,
      degraded: [expect.stringMatching(/^the clock of this machine is off by (4999|5000|5001) ms$/)],
    });
  });

  it('is not ready before the start and once it is leaving, while liveness stays', async () => {
    const { service, get } = await serve({ autoStart: false });
    expect(await get('ready')).toMatchObject({
      code: 503,
      details: { scheduler: { status: 'down', reason: 'the scheduler of this node is stopped' } },
    });
    expect(await get('live')).toMatchObject({ code: 200, status: 'ok' });
    await service.start();
    expect((await get('ready')).code).toBe(200);
    await service.drain();
    expect(await get('ready')).toMatchObject({
      code: 503,
      details: { scheduler: { reason: 'the scheduler of this node is leaving' } },
    });
    expect((await get('live')).code).toBe(200);
  });

  it('counts the nodes of the cluster', async () => {
    const store = new MemoryStore(systemClock);
    const { service, get } = await serve({ registry: new MemoryRegistry({ store }) });
    expect(await get('cluster')).toMatchObject({
      code: 503,
      details: { cluster: { status: 'down', reason: '1 of the wanted 2 nodes are working' } },
    });
    const working = event({ service }, 'node.changed');
    const first = running;
    const other = await serve({ registry: new MemoryRegistry({ store }), node: { id: 'other' } });
    await working;
    expect(await get('cluster')).toMatchObject({ code: 200, details: { cluster: { nodes: { working: 2 } } } });
    expect((await other.get('cluster')).code).toBe(200);
    await first?.close();
  });
});

describe('without what some have', () => {
  it('Terminus 11 has no degraded: it is up, and says why it is not quite', async () => {
    const check = HealthIndicatorService.prototype.check.bind(new HealthIndicatorService());
    jest
      .spyOn(HealthIndicatorService.prototype, 'check')
      .mockImplementation((key) => Object.assign(check(key), { degraded: undefined as never }) as never);
    const { get } = await serve({ registry: Object.assign(new Switchable(), { isAway: true }), startup: 'background' });
    expect(await get('live')).toMatchObject({
      code: 200,
      status: 'ok',
      details: { scheduler: { status: 'up', degraded: ['not in the cluster (starting); it is tried until it works'] } },
    });
  });

  it('without Terminus there is the same as a plain object', async () => {
    const { service } = await serve({ node: { id: 'n1' } });
    expect(service.health()).toMatchObject({ nodeId: 'n1', state: 'working', ready: true, degraded: [] });
  });
});
