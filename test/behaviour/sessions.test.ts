/** Which session the logs of a trace are in. */
import { propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT } from '../support/traced-app.ts';

test('a session that only one span names is that of the whole trace, also of late logs', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server, { holdMillis: 2_000 })]) {
    const http = app.startOther('POST /chat', { attributes: { 'http.route': '/chat', 'session.id': 'from the root' } });
    const agent = app.start('agent', { parent: http, attributes: AGENT });
    const call = app.start('call', { parent: agent });
    const late = app.start('late', { parent: agent, attributes: { ...CHAT, 'session.id': 'too late' } });
    for (const span of [call, agent, http]) span.end();
    await app.flush();
    late.end();
    await app.flush();
    app.expectDelivered();
    for (const span of [agent, call, late]) expect(app.log(span)?.session_reference_id).toBe('from the root');
  }
});

test('a session that a deeply nested span names is that of all', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const agent = app.start('agent', { attributes: AGENT });
  const call = app.start('call', { parent: agent, attributes: { ...CHAT, 'gen_ai.conversation.id': 'below' } });
  const other = app.start('other', { parent: agent });
  for (const span of [call, other, agent]) span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  for (const span of [agent, call, other]) expect(app.log(span)?.session_reference_id).toBe('below');
});

test('a session that is named after logs of the trace were sent does not split the trace', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const agent = app.start('agent', { attributes: AGENT });
  const late = app.start('late', { parent: agent });
  agent.end();
  await app.client.forceFlush();
  late.setAttribute('session.id', 'too late').end();
  await app.client.forceFlush();
  app.expectDelivered();
  for (const span of [agent, late]) expect(app.log(span)?.session_reference_id).toBe(agent.spanContext().traceId);
});

function withBaggage(entries: Record<string, string>) {
  const values = Object.entries(entries).map(([key, value]) => [key, { value }] as const);
  return propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage(Object.fromEntries(values)));
}

test.each([
  ['a session', { 'session.id': 'from-upstream' }, {}, 'from-upstream'],
  ['a conversation before a session', { 'session.id': 's', 'gen_ai.conversation.id': 'c' }, {}, 'c'],
  ["but a span's own session before it", { 'session.id': 's' }, { 'session.id': 'own' }, 'own'],
  ['but none that stands for nothing', { 'gen_ai.conversation.id': 'default', 'session.id': 's' }, {}, 's'],
])('a session may come in baggage: %s', async (_, baggage, attributes, session) => {
  const server = await startMisbehavingV4();
  const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl });
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');
  tracer.startSpan('chat', { attributes: { ...CHAT, ...attributes } }, withBaggage(baggage)).end();
  await processor.shutdown();
  expect([...server.logs.values()].map((log) => log.session_reference_id)).toEqual([session]);
});
