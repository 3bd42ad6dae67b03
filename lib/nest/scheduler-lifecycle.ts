import { Inject, Injectable } from '@nestjs/common';
import { tellDuration } from '../core/common/duration.js';
import { DistributedScheduleError } from '../core/common/errors.js';
import { RegistryUnavailableError } from '../core/registry/registry-errors.js';
import { Scheduler } from '../core/scheduler/scheduler.js';
import type { SchedulerService } from '../core/service/scheduler-service.js';
import { Registrar } from './discovery/registrar.js';
import type { DistributedScheduleOptions } from './distributed-schedule.options.js';
import { DISTRIBUTED_SCHEDULE_SETTINGS } from './distributed-schedule.tokens.js';
import { OWN_SERVICE } from './own-tokens.js';
import { reportStart } from './start-report.js';

/**
 * The scheduler's life inside the application's. Each step may be taken twice, and any may be left out:
 *
 * | Nest's hook | step |
 * |---|---|
 * | `onApplicationBootstrap` | `prepare`: find, complete and check what is decorated; nothing is connected |
 * | | `start`: join the cluster, unless `autoStart` is false |
 * | `onModuleDestroy`, before that of any other module | `leave`: claim nothing more, let others take over |
 * | | `drain`: let runs end, while HTTP and databases are still there |
 * | `onApplicationShutdown` | `stop`: end the session, close the registry |
 */
@Injectable()
export class SchedulerLifecycle {
  private prepared: Promise<void> | undefined;
  private report: Promise<void> | undefined;

  constructor(
    @Inject(DISTRIBUTED_SCHEDULE_SETTINGS) private readonly settings: DistributedScheduleOptions,
    private readonly scheduler: Scheduler,
    @Inject(OWN_SERVICE) private readonly service: SchedulerService,
    private readonly registrar: Registrar,
  ) {
    service.beforeStart = () => this.prepare();
  }

  /** Once all providers are initialised: options may be computed from them. Or earlier, if somebody starts earlier. */
  prepare(): Promise<void> {
    return (this.prepared ??= this.register());
  }

  private async register(): Promise<void> {
    await this.registrar.registerAll();
    const first = this.scheduler.context.events.listen(({ type }) => {
      if (type !== 'session.working') return;
      first.dispose();
      this.report = reportStart(this.scheduler);
    });
  }

  async start(): Promise<void> {
    await this.prepare();
    if (this.settings.autoStart === false) return;
    await this.scheduler.start().catch((error: unknown) => {
      throw this.explained(error);
    });
    await this.report;
  }

  async leave(): Promise<void> {
    await this.scheduler.leave();
  }

  async drain(): Promise<void> {
    await this.scheduler.endRuns();
  }

  async stop(): Promise<void> {
    await this.report;
    await this.scheduler.stop();
  }

  /** What keeps the application from starting, with what to do about it. */
  private explained(error: unknown): unknown {
    if (!(error instanceof RegistryUnavailableError)) return error;
    const { registry, startupTimeoutMs } = this.scheduler.options;
    const message =
      `The registry (${registry.kind}) could not be reached within ${tellDuration(startupTimeoutMs ?? 0)}: ${error.message} ` +
      "Check the option registry, or set startup: 'background' to start without it and join the cluster when it is there";
    return new DistributedScheduleError(error.code, message, { retryable: true, cause: error });
  }
}
