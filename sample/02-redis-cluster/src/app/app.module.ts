import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { DistributedScheduleModule } from 'nestjs-distributed-schedule';
import { Jobs } from './jobs.js';
import { scheduleConfig } from './schedule.config.js';

/** What every process of this cluster runs: three workers, and the one that looks on. */
@Module({
  imports: [ConfigModule.forRoot(), DistributedScheduleModule.forRootAsync(scheduleConfig.asProvider())],
  providers: [Jobs],
})
export class AppModule {}
