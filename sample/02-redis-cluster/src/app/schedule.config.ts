import { registerAs } from '@nestjs/config';
import type { DistributedScheduleOptions } from 'nestjs-distributed-schedule';

/** Which registry, and who this process is: from the environment, the same code everywhere. */
export const scheduleConfig = registerAs('schedule', (): DistributedScheduleOptions => {
  const { REDIS_URL, SCHEDULE_NAMESPACE, SCHEDULE_NODE, SCHEDULE_ROLE } = process.env;
  return {
    namespace: SCHEDULE_NAMESPACE ?? 'default',
    registry: REDIS_URL ? { type: 'redis', url: REDIS_URL } : { type: 'memory' },
    node: {
      ...(SCHEDULE_NODE && { id: SCHEDULE_NODE }),
      role: SCHEDULE_ROLE === 'observer' ? 'observer' : 'worker',
    },
    history: { keepRuns: 500 }, // enough to check at the end what became of every tick
  };
});
