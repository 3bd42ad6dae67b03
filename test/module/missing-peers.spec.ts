import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { refusal } from './application.js';

const absent = (name: string) => (): never => {
  throw Object.assign(new Error(`Cannot find package '${name}' imported from here`), { code: 'ERR_MODULE_NOT_FOUND' });
};

afterEach(() => {
  jest.resetModules();
});

describe('a package that is not installed', () => {
  it('is told with its cure: ioredis', async () => {
    jest.unstable_mockModule('ioredis', absent('ioredis'));
    const { Test } = await import('@nestjs/testing');
    const { DistributedScheduleModule } = await import('nestjs-distributed-schedule');
    const module = DistributedScheduleModule.forRoot({ registry: { type: 'redis', url: 'redis://127.0.0.1:1' } });
    expect(await refusal(Test.createTestingModule({ imports: [module] }).compile())).toMatchObject({
      code: 'MISSING_PEER',
      message: 'The Redis registry needs the package ioredis, which is not installed: npm install ioredis',
    });
  });

  it.each([
    ['@grpc/grpc-js', { type: 'etcd', endpoints: 'http://127.0.0.1:1' }],
    ['undici', { type: 'consul', address: 'http://127.0.0.1:1' }],
  ] as const)('is told with its cure: %s', async (name, registry) => {
    jest.unstable_mockModule(name, absent(name));
    const { Test } = await import('@nestjs/testing');
    const { DistributedScheduleModule } = await import('nestjs-distributed-schedule');
    const module = DistributedScheduleModule.forRoot({ registry });
    expect(await refusal(Test.createTestingModule({ imports: [module] }).compile())).toMatchObject({
      code: 'MISSING_PEER',
      message: expect.stringMatching(/^The (etcd|Consul) registry needs the packages? .*not installed: npm install /),
    });
  });

  it('is told with its cure, and only when it is needed: @nestjs/terminus', async () => {
    jest.unstable_mockModule('@nestjs/terminus', absent('@nestjs/terminus'));
    const { Test } = await import('@nestjs/testing');
    const { DistributedScheduleModule, SchedulerHealthIndicator } = await import('nestjs-distributed-schedule');
    const module = await Test.createTestingModule({ imports: [DistributedScheduleModule.forRoot()] }).compile();
    const indicator = module.get(SchedulerHealthIndicator);
    for (const call of [indicator.isHealthy('s'), indicator.isNodeReady('s'), indicator.isClusterHealthy('s')]) {
      expect(await refusal(call)).toMatchObject({
        code: 'MISSING_PEER',
        message: expect.stringContaining('npm install @nestjs/terminus'),
      });
    }
    await module.close();
  });

  it('is not needed to look values up: without @nestjs/config it is the environment', async () => {
    jest.unstable_mockModule('@nestjs/config', absent('@nestjs/config'));
    const { Test } = await import('@nestjs/testing');
    const { DistributedCron, DistributedScheduleModule, fromConfig, SchedulerService } =
      await import('nestjs-distributed-schedule');
    class Work {
      @DistributedCron('0 0 1 1 *', { name: 'work', description: fromConfig('PATH') })
      work() {}
    }
    const imports = [DistributedScheduleModule.forRoot()];
    const module = await Test.createTestingModule({ imports, providers: [Work] }).compile();
    await module.init();
    expect(module.get(SchedulerService).getTask('work')?.description).toBe(process.env.PATH);
    await module.close();
  });

  it.each([
    ['@nestjs/event-emitter', { eventEmitter: true }, 'eventEmitter'],
    ['@opentelemetry/api', { tracing: true }, 'tracing'],
  ])('is told with its cure, and only when its option is on: %s', async (name, options, option) => {
    jest.unstable_mockModule(name, absent(name));
    const { Test } = await import('@nestjs/testing');
    const { DistributedScheduleModule } = await import('nestjs-distributed-schedule');
    const compile = (given: object) =>
      Test.createTestingModule({ imports: [DistributedScheduleModule.forRoot(given)] }).compile();
    expect(await refusal(compile(options))).toMatchObject({
      code: 'MISSING_PEER',
      message: `The option ${option} needs the package ${name}, which is not installed: npm install ${name}`,
    });
    await (await compile({})).close();
  });

  it('keeps nobody from importing the package', async () => {
    for (const name of [
      'ioredis',
      '@grpc/grpc-js',
      '@grpc/proto-loader',
      'undici',
      '@nestjs/terminus',
      '@nestjs/config',
      '@nestjs/event-emitter',
      '@opentelemetry/api',
    ])
      jest.unstable_mockModule(name, absent(name));
    expect(await import('nestjs-distributed-schedule')).toHaveProperty('DistributedScheduleModule');
  });
});
