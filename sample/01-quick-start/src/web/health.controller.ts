import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { SchedulerHealthIndicator } from 'nestjs-distributed-schedule';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly scheduler: SchedulerHealthIndicator,
  ) {}

  /** Everything about this node. Never down because the registry is: that must not restart every replica at once. */
  @Get()
  @HealthCheck()
  live() {
    return this.health.check([() => this.scheduler.isHealthy('scheduler')]);
  }

  /** Down once the node is leaving: for readiness probes. */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.scheduler.isNodeReady('scheduler')]);
  }
}
