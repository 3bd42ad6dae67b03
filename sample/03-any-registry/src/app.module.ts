import { Module } from '@nestjs/common';
import { DistributedScheduleModule } from 'nestjs-distributed-schedule';
import { Jobs } from './jobs.js';
import { registryOf } from './registry.js';

@Module({
  imports: [DistributedScheduleModule.forRoot({ namespace: 'any-registry', registry: registryOf(process.env) })],
  providers: [Jobs],
})
export class AppModule {}
