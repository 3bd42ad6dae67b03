import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { DistributedScheduleModule } from 'nestjs-distributed-schedule';
import { PostgresRegistry } from './postgres-registry.js';

const registry = {
  provide: PostgresRegistry,
  useFactory: () => new PostgresRegistry({ connection: { connectionString: process.env.DATABASE_URL! } }),
};

/** Whoever makes the registry closes it: here after the scheduler, which depends on this module, has left. */
@Module({ providers: [registry], exports: [registry] })
export class RegistryModule implements OnApplicationShutdown {
  constructor(private readonly registry: PostgresRegistry) {}

  onApplicationShutdown() {
    return this.registry.close();
  }
}

@Module({
  imports: [
    DistributedScheduleModule.forRootAsync({
      imports: [RegistryModule],
      inject: [PostgresRegistry],
      useFactory: (own: PostgresRegistry) => ({ namespace: 'shop', registry: own }),
    }),
  ],
})
export class AppModule {}
