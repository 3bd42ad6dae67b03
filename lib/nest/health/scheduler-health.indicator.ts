import { Injectable } from '@nestjs/common';
import type { HealthSnapshot } from '../../core/service/health-snapshot.js';
import { SchedulerService } from '../../core/service/scheduler-service.js';
import { terminusSession } from './terminus.js';

/** What Terminus shows. On Terminus 11, which has no `degraded`, the status is `up` and `degraded` says why. */
export type SchedulerHealthResult<Key extends string> = Record<Key, { status: HealthStatus } & HealthDetails>;

/** `'up'`, `'down'` or, from Terminus 12 on, `'degraded'`: typed so that it fits the health checks of both majors. */
type HealthStatus = any;

export type HealthDetails = Omit<HealthSnapshot, 'degraded' | 'ready'> & {
  /** What is not as it should be, where something is. */
  degraded?: string[];
  /** Why the status is `down`. */
  reason?: string;
};

/**
 * The scheduler's part of a Terminus health check. Needs `@nestjs/terminus`; without it use `SchedulerService.health()`.
 *
 * | probe | method | down when |
 * |---|---|---|
 * | liveness | `isHealthy` | never: an unreachable registry must not restart every pod at once |
 * | readiness | `isNodeReady` | the scheduler is stopped or leaving |
 * | alerting | `isClusterHealthy` | fewer nodes work than wanted |
 *
 * Each is `degraded`, which fails no check, while the registry is away or the machine's clock is off.
 *
 * @example
 * ```ts
 * @Get('health')
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.scheduler.isHealthy('scheduler')]);
 * }
 * ```
 */
@Injectable()
export class SchedulerHealthIndicator {
  constructor(private readonly service: SchedulerService) {}

  /** For liveness: tells everything and is never down. @throws `MISSING_PEER` without Terminus */
  isHealthy<const Key extends string>(key: Key): Promise<SchedulerHealthResult<Key>> {
    return this.report(key, this.service.health());
  }

  /** For readiness: down once the node is leaving, or was not started. @throws `MISSING_PEER` without Terminus */
  isNodeReady<const Key extends string>(key: Key): Promise<SchedulerHealthResult<Key>> {
    const health = this.service.health();
    return this.report(key, health, health.ready ? undefined : `the scheduler of this node is ${health.state}`);
  }

  /**
   * Whether enough nodes work, as far as this one sees. No probe: it says the same on every node.
   * @param options.minNodes how many nodes must be working. @default 1
   * @throws `MISSING_PEER` without Terminus
   */
  isClusterHealthy<const Key extends string>(
    key: Key,
    { minNodes = 1 }: { minNodes?: number } = {},
  ): Promise<SchedulerHealthResult<Key>> {
    const health = this.service.health();
    const { working } = health.nodes;
    const isSeen = health.session.trusted; // an old picture of the cluster is no reason to raise an alarm
    return this.report(
      key,
      health,
      isSeen && working < minNodes ? `${working} of the wanted ${minNodes} nodes are working` : undefined,
    );
  }

  private async report<Key extends string>(
    key: Key,
    health: HealthSnapshot,
    reason?: string,
  ): Promise<SchedulerHealthResult<Key>> {
    const session = await terminusSession(key);
    const { degraded, ready: _ready, ...details } = health;
    const data: HealthDetails = {
      ...details,
      ...(degraded.length > 0 && { degraded }),
      ...(reason !== undefined && { reason }),
    };
    const result =
      reason !== undefined
        ? session.down(data)
        : degraded.length > 0 && session.degraded
          ? session.degraded(data)
          : session.up(data);
    return result as SchedulerHealthResult<Key>;
  }
}
