import { Injectable } from '@nestjs/common';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DistributedTimeout, TaskHandler, type TaskRun } from 'nestjs-distributed-schedule';
import { compile, event, initAndHear, start } from './application.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
});

afterEach(() => exporter.reset());

afterAll(async () => {
  trace.disable();
  context.disable();
  await provider.shutdown();
});

@Injectable()
class Jobs {
  @DistributedTimeout(1, { name: 'job', retry: { attempts: 2, delay: 1, backoff: 'fixed' } })
  async job({ attempt }: TaskRun) {
    await new Promise((resolve) => setImmediate(resolve));
    trace.getTracer('application').startSpan('query').end();
    if (attempt === 1) throw new TypeError('deadlock');
  }

  @TaskHandler('fine')
  fine() {}
}

describe('tracing: true', () => {
  it('makes a span of each attempt, active in the handler, with what failed', async () => {
    await using app = await compile({ providers: [Jobs] }, { tracing: true, node: { id: 'me' } });
    const record = await initAndHear(app, 'run.succeeded', 'job');
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name }) => name)).toEqual(['query', 'task job', 'query', 'task job']);
    const [firstQuery, first, secondQuery, second] = spans;
    expect(first).toMatchObject({
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.ERROR, message: 'deadlock' },
      events: [{ name: 'exception', attributes: { 'exception.type': 'TypeError', 'exception.message': 'deadlock' } }],
      attributes: {
        'schedule.task': 'job',
        'schedule.run_id': record.id,
        'schedule.trigger': 'schedule',
        'schedule.attempt': 1,
        'schedule.node_id': 'me',
        'schedule.tick': new Date(record.tick!).toISOString(),
      },
    });
    expect(second).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      events: [],
      attributes: { 'schedule.run_id': record.id, 'schedule.attempt': 2 },
    });
    for (const [query, span] of [
      [firstQuery, first],
      [secondQuery, second],
    ])
      expect(query!.parentSpanContext?.spanId).toBe(span!.spanContext().spanId);
  });

  it('begins a trace of its own, whoever added the task', async () => {
    await using app = await start({ providers: [Jobs] }, { tracing: true });
    const done = event(app, 'run.succeeded', 'fine');
    await trace.getTracer('application').startActiveSpan('POST /tasks', async (request) => {
      await app.service.addTask({ name: 'fine', schedule: 'now' });
      request.end();
    });
    await done;
    const spans = Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span]));
    expect(spans['task fine']!.parentSpanContext).toBeUndefined();
    expect(spans['task fine']!.spanContext().traceId).not.toBe(spans['POST /tasks']!.spanContext().traceId);
  });

  it('is off by default', async () => {
    await using app = await start({ providers: [Jobs] });
    const done = event(app, 'run.succeeded', 'fine');
    await app.service.addTask({ name: 'fine', schedule: 'now' });
    await done;
    expect(exporter.getFinishedSpans().map(({ name }) => name)).not.toContain('task fine');
  });
});
