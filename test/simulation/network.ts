import type { CallStep, Fate, WatchFate } from '../../lib/testing/cluster/link.js';

/** What the network does to one node's messages; faults change it, healing puts it back. */
export interface Network {
  latencyMs: number;
  longestMs: number;
  /** Shares of messages, each from 0 to 1. */
  loseRequests: number;
  loseReplies: number;
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
  return (_call: number, step: CallStep): Fate => {
    if (random() < (step === 'request' ? network.loseRequests : network.loseReplies)) {
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
