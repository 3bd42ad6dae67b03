import type { INestApplication, LoggerService, Type } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';

/** What these tests run on; `npm run test:module` goes through all four. */
export const nestMajor = Number(process.env['NEST'] ?? 12);
export const platform = process.env['PLATFORM'] ?? 'express';

/** An application with HTTP on the platform in question, listening on a free loopback port. */
export async function listen(module: Type, logger: LoggerService): Promise<INestApplication> {
  const app = await NestFactory.create(module, await adapter(), { logger });
  await app.listen(0, '127.0.0.1');
  return app;
}

async function adapter(): Promise<AbstractHttpAdapter> {
  if (platform === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}
