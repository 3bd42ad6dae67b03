import { describe, expect, it } from '@jest/globals';
import { taskProblems } from '../../../lib/core/task/validate.js';

const problemsOf = (policies: object): string[] => taskProblems({ name: 'a', schedule: 'now', ...policies }, '', 'UTC');

describe('Policies', () => {
  it.each<[policies: object, problem: string]>([
    [
      { timeout: { attempt: '10s', total: '5s' } },
      'timeout.attempt: 10s is more than total (5s), so it never applies; give less, or leave it out',
    ],
    [
      { retry: { attempts: 2, delay: '8m', maxDelay: '10s' } },
      'retry.delay: 8m is more than maxDelay (10s), so no wait would be that long; give a longer maxDelay, or a shorter delay',
    ],
    [
      { retry: { attempts: 2, delay: '20s', backoff: 'fixed', deadline: '15s' } },
      'retry.delay: 20s is more than deadline (15s), so there would be no second attempt; give a longer deadline, or a shorter delay',
    ],
    [{ retry: { attempts: 0 } }, 'retry.attempts: 0 is not a whole number of at least 1'],
    [{ circuitBreaker: { threshold: '5' } }, 'circuitBreaker.threshold: "5" is not a whole number of at least 1'],
    [{ priority: 1.5 }, 'priority: 1.5 is not a whole number'],
    [{ priority: Number.NaN }, 'priority: NaN is not a whole number'],
    [{ pauseAfter: 5n }, 'pauseAfter: 5n is not a whole number of at least 1'],
    [
      { timeout: 5n },
      "timeout: 5n is not a duration; give milliseconds or a number with ms, s, m, h, d or w, as '30s'",
    ],
  ])('%p is refused', (policies, problem) => {
    expect(problemsOf(policies)).toEqual([problem]);
  });

  it.each([
    { timeout: { attempt: '5s', total: '5s' } },
    { retry: { attempts: 2, delay: '10s', maxDelay: '10s' } },
    { retry: { attempts: 2, delay: '8m' } },
    { retry: { attempts: 2, maxDelay: '500ms' } },
    { retry: { attempts: 2, maxDelay: '300ms', backoff: 'fixed', deadline: '500ms' } },
    { retry: { attempts: 2, delay: '20s', backoff: 'exponential', deadline: '15s' } },
    { priority: -3, maxParallel: 1 },
  ])('%p is as it should be', (policies) => {
    expect(problemsOf(policies)).toEqual([]);
  });
});
