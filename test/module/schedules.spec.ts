import { Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { DistributedCron, type DstPolicy, type ScheduleSpec } from 'nestjs-distributed-schedule';
import { refusal, start } from './application.js';

interface Beside {
  timeZone?: string;
  dst?: DstPolicy;
  except?: string;
}

const ALL = { timeZone: 'Europe/London', dst: { gap: 'skip' }, except: '12-25' } as const;
const DAILY: ScheduleSpec = { daily: '02:30' };
const KEYS = ['timeZone', 'dst', 'except'] as const;

function declaring(schedule: unknown, beside: Beside) {
  @Injectable()
  class Billing {
    @DistributedCron(schedule as string, { name: 'billing.close', ...beside })
    close() {}
  }
  return start({ providers: [Billing] });
}

describe('@DistributedCron with a schedule as an object', () => {
  it.each(KEYS)('refuses to start where %s stands in it and beside it', async (key) => {
    const { message } = await refusal(declaring({ ...DAILY, ...ALL }, { [key]: ALL[key] }));
    expect(message).toContain('Billing.close');
    expect(message).toContain(`${key}: it is given in the schedule and beside it; give it once`);
    for (const other of KEYS.filter((one) => one !== key)) expect(message).not.toContain(`${other}: it is given`);
  });

  it('names all that are given twice', async () => {
    const { message } = await refusal(declaring({ ...DAILY, ...ALL }, ALL));
    for (const key of KEYS) expect(message).toContain(`${key}: it is given in the schedule and beside it`);
  });

  it('takes them from either place', async () => {
    const schedules: unknown[] = [];
    for (const [inside, beside] of [[ALL, {}] as const, [{}, ALL] as const]) {
      await using app = await declaring({ ...DAILY, ...inside }, beside);
      schedules.push(app.service.getTask('billing.close')?.schedule);
    }
    expect(schedules[0]).toMatchObject({ daily: ['02:30'], timeZone: 'Europe/London', dst: { gap: 'skip' } });
    expect(schedules[1]).toEqual(schedules[0]);
  });

  it('says what is wrong with a schedule that is none', async () => {
    const { message } = await refusal(declaring(null, { timeZone: 'Europe/London' }));
    expect(message).toContain('Billing.close');
    expect(message).toContain('give one of');
  });
});
