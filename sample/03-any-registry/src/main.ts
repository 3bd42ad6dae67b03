/**
 * The same application on any registry: npm start -- 03-any-registry, in two terminals with the same variable set.
 *
 *   REDIS_URL=redis://localhost:6379 · ETCD_ENDPOINTS=http://localhost:2379 · ZOOKEEPER_CONNECT=localhost:2181
 *   CONSUL_HTTP_ADDR=http://localhost:8500 · none of them: memory, for this process alone
 *
 * A registry to try it on: `docker compose -f sample/03-any-registry/compose.yaml up -d etcd`, or without Docker
 * `npm run servers -- up etcd`, which prints the line to set.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { SchedulerService } from 'nestjs-distributed-schedule';
import { AppModule } from './app.module.js';
import { registryOf } from './registry.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error', 'fatal'] });
app.enableShutdownHooks();
const scheduler = app.get(SchedulerService);
const { nodeId } = scheduler;
console.log(`${nodeId} is in the cluster, by way of ${registryOf(process.env).type}. Ctrl-C ends it.`);
const tell = () => console.log(`${nodeId} looks after ${scheduler.listOwnTasks().length} tasks`);
scheduler.nodeEvents$.subscribe(() => setTimeout(tell, 500));
