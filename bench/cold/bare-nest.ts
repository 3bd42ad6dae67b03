import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { epochNow, secondBegun, type Start } from './started.js';

@Module({})
class BareModule {}

/** An application with nothing in it but a timer for each second. */
export const bareNest: Start = async (_job, ticked) => {
  const app = await NestFactory.createApplicationContext(BareModule, { logger: ['error'] });
  const readyAt = epochNow();
  let timer: NodeJS.Timeout;
  const next = (): void => {
    timer = setTimeout(
      () => {
        const startedAt = epochNow();
        ticked({ plannedAt: secondBegun(startedAt), startedAt });
        next();
      },
      1_000 - (epochNow() % 1_000),
    );
  };
  next();
  return {
    readyAt,
    leave: () => {
      clearTimeout(timer);
      return app.close();
    },
  };
};
