import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { collectDiag } from '../support/collect-diag.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

const HTTP = { 'http.request.method': 'POST', 'url.full': 'http://localhost/' };

test('10: an LLM span below HTTP spans is the root of its session, and the next one hangs under it', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const http = app.startOther('POST /chat', { attributes: HTTP });
    const fetch = app.startOther('fetch', { parent: http, attributes: HTTP });
    const agent = app.start('agent', { parent: fetch, attributes: AGENT });
    const between = app.startOther('db', { parent: agent });
    const call = app.start('call', { parent: between });
    for (const span of [call, between, agent, fetch, http]) span.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
    expect(app.log(agent)?.parent_reference_id).toBeUndefined();
    expect(app.log(call)?.parent_reference_id).toBe(referenceOf(agent));
    expect(app.log(http)).toBeUndefined();
  }
});

test('10: so it is while the HTTP span stays open, which the exporter cannot know and stands in for', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 10 });
  const http = app.startOther('POST /chat', { attributes: HTTP });
  const call = app.start('call', { parent: http });
  call.end();
  await expect.poll(() => app.stats.logged).toBe(1);
  expect(app.log(call)?.parent_reference_id).toBeUndefined();
  http.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(1);
});

test('11: spans that may not be written to are logged, and other exporters get them as they were', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const other = new InMemorySpanExporter();
  const before: string[] = [];
  const freeze: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span) => {
      before.push(pictureOf(span));
      deepFreeze(span);
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const app = appWithProcessor(
    server,
    { redact: (log) => ({ ...log, output: 'hidden' }) },
    { spanProcessors: [freeze] },
  );
  const last = new SimpleSpanProcessor(other);
  const http = app.startOther('POST', { attributes: HTTP });
  const root = app.start('root', { parent: http, attributes: { ...AGENT, list: ['a', 'b'] } });
  const child = app.start('child', { parent: root, attributes: { ...CHAT, ...outputOf('said') } });
  child.recordException(new Error('broke'));
  for (const span of [child, root, http]) {
    span.end();
    last.onEnd(span as unknown as ReadableSpan);
  }
  await app.client.forceFlush();
  await last.forceFlush();
  app.expectDelivered();
  expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
  expect(other.getFinishedSpans().map(pictureOf)).toEqual(before);
  expect(diagnostics.lines).toEqual([]);
});

function pictureOf(span: ReadableSpan): string {
  const { name, kind, attributes, events, status, startTime, endTime, duration, parentSpanContext, links } = span;
  const times = [startTime, endTime, duration];
  const resource = span.resource.attributes;
  return JSON.stringify([name, kind, attributes, events, status, times, parentSpanContext, links, resource]);
}

function deepFreeze(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  // The SDK's own parts are not what exporters share.
  for (const [key, part] of Object.entries(value))
    if (!/^_(spanProcessor|spanLimits)$/.test(key)) deepFreeze(part, seen);
  Object.freeze(value);
}
