import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { banner } from './support/banner.js';
import { portProblem } from './support/port.js';
import { TidyLogger } from './support/tidy-logger.js';

const port = Number(process.env.PORT || 3000);
const problem = await portProblem(port);
if (problem) {
  console.error(problem);
  process.exit(1);
}

console.log(banner(port));
const app = await NestFactory.create(AppModule, { logger: new TidyLogger() });
app.enableShutdownHooks(); // Ctrl-C and SIGTERM: runs end, the node leaves the cluster, then the process ends
await app.listen(port, '127.0.0.1');
