import type { CallName, CallStep, Fate, WatchFate } from '../../lib/testing/cluster/link.js';

/** What the network does to one node's messages; faults change it, healing puts it back. */
export interface Network {
  latencyMs: number;
  longestMs: number;
  /** Shares of messages, each from 0 to 1. */
  loseRequests: number;
  loseReplies: number;
  /** Replies to writes alone: reads tell what became of them. */
  loseCommits: number;
  /** Answers to the question for the time. */
  loseTime: number;
  late: number;
  twice: number;
  lateWatches: number;
  loseWatches: number;
}

export function quietNetwork({ latencyMs, longestMs }: { latencyMs: number; longestMs: number }): Network {
  return {
    latencyMs,
    longestMs,
    loseRequests: 0,
    loseReplies: 0,
    loseCommits: 0,
    loseTime: 0,
    late: 0,
    twice: 0,
    lateWatches: 0,
    loseWatches: 0,
  };
}

/** Draws the fate of each message. */
export function fateOf(network: Network, random: () => number, count: (what: string) => void) {
  const latency = (): number => network.latencyMs * (0.5 + random());
  const longLatency = (): number => latency() + random() * network.longestMs;
  const lossOf = (step: CallStep, name: CallName): number => {
    if (step === 'request') return network.loseRequests;
    const alone = name === 'commit' ? network.loseCommits : name === 'serverTime' ? network.loseTime : 0;
    return Math.max(alone, network.loseReplies);
  };
  return (_call: number, step: CallStep, name: CallName): Fate => {
    if (random() < lossOf(step, name)) {
      count(`${step} lost`);
      return 'lost';
    }
    const late = random() < network.late;
    const lateMs = late ? longLatency() : latency();
    if (late) count(`${step} late`);
    if (step === 'reply' || random() >= network.twice) return { lateMs };
    count('request sent twice');
    return { lateMs, twiceAfterMs: longLatency() };
  };
}

export function watchFateOf(network: Network, random: () => number, count: (what: string) => void) {
  return (): WatchFate => {
    if (random() < network.loseWatches) {
      count('change lost');
      return { resyncAfterMs: random() * 5_000 };
    }
    const late = random() < network.lateWatches;
    if (late) count('change late');
    return { lateMs: network.latencyMs * (0.5 + random()) + (late ? random() * 8_000 : 0) };
  };
}
