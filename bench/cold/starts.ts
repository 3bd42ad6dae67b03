import { agenda } from './agenda.js';
import { bareNest } from './bare-nest.js';
import { bullmq } from './bullmq.js';
import { nestSchedule } from './nest-schedule.js';
import { ours } from './ours.js';
import type { Start } from './started.js';

/** By the name of the contestant that fills the store. */
export const STARTS: Readonly<Record<string, Start>> = {
  'bare Nest': bareNest,
  'ours, redis': ours('redis'),
  'ours, etcd': ours('etcd'),
  'ours, zookeeper': ours('zookeeper'),
  'ours, consul': ours('consul'),
  BullMQ: bullmq,
  'Agenda, Redis': agenda,
  '@nestjs/schedule, read from Redis': nestSchedule,
};
