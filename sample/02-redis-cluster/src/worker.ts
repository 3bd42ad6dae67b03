import 'reflect-metadata';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SchedulerService } from 'nestjs-distributed-schedule';
import { AppModule } from './app/app.module.js';
import { report } from './app/report.js';

/** Warnings and errors go to the program that shows this cluster; the rest is of no interest here. */
const tell = (message: unknown): void => report({ type: 'log', message: String(message) });
const logger: LoggerService = { log: () => undefined, warn: tell, error: tell, fatal: tell };

const app = await NestFactory.createApplicationContext(AppModule, { logger });
app.enableShutdownHooks();

// What this node looks after, whenever it changes.
const scheduler = app.get(SchedulerService);
let before: string | undefined;
setInterval(() => {
  const tasks = scheduler.listOwnTasks().map(({ name }) => name);
  if (tasks.join() === before) return;
  before = tasks.join();
  report({ type: 'owns', tasks });
}, 100).unref();

// The program that started it holds the other end of standard input: when it is gone, so is this worker.
process.stdin.on('end', () => process.exit()).resume();
