import type { NodeStatus } from '../cluster/node-record.js';

/**
 * What a node's scheduler is doing:
 *
 * ```
 *   stopped ──start──▶ starting ──joined──▶ working ──stop──▶ leaving ──▶ stopped
 *                         ▲                    │ session lost
 *                         └──── rejoining ◀────┘
 * ```
 */
export type SchedulerState = 'stopped' | NodeStatus | 'rejoining';
