/** What must be true with every major version of the OpenTelemetry SDK, against the real server. */
import { ROOT_CONTEXT, type TracerProvider, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { HumanloopSpanExporter } from '../../src/processors/span-exporter.ts';
import { HumanloopSpanProcessor } from '../../src/processors/span-processor.ts';
import type { LogResponse } from '../../src/wire/v4.ts';
import { startTestServer } from '../support/start-test-server.ts';

export interface SdkProvider extends TracerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface Sdk<Processor> {
  createProvider(processor: Processor): SdkProvider;
  fromHumanloop(processor: HumanloopSpanProcessor): Processor;
  batch(exporter: HumanloopSpanExporter): Processor;
  simple(exporter: HumanloopSpanExporter): Processor;
}

type Create<Processor> = (sdk: Sdk<Processor>, baseUrl: string) => Processor;

export function testSdk<Processor>(sdk: Sdk<Processor>): void {
  const cases: [string, Create<Processor>][] = [
    ['the span processor', ({ fromHumanloop }, baseUrl) => fromHumanloop(new HumanloopSpanProcessor({ baseUrl }))],
    ['BatchSpanProcessor', ({ batch }, baseUrl) => batch(new HumanloopSpanExporter({ baseUrl }))],
    ['SimpleSpanProcessor', ({ simple }, baseUrl) => simple(new HumanloopSpanExporter({ baseUrl }))],
  ];
  test.each(cases)('%s: logs arrive nested, in their sessions', async (_, create) => {
    const server = await startTestServer();
    const provider = sdk.createProvider(create(sdk, server.baseUrl));
    traceConversation(provider, 'session-a');
    traceConversation(provider, 'session-b');
    await provider.forceFlush();
    expectConversations(await readLogs(server.baseUrl, new Date(0)));
    await provider.shutdown();
  });

  test('shutdown of the provider delivers what is left', async () => {
    const server = await startTestServer();
    const provider = sdk.createProvider(sdk.fromHumanloop(new HumanloopSpanProcessor({ baseUrl: server.baseUrl })));
    traceConversation(provider, 'session-a');
    traceConversation(provider, 'session-b');
    await provider.shutdown();
    expectConversations(await readLogs(server.baseUrl, new Date(0)));
  });
}

/**
 * An agent with a tool and a second agent. Below an HTTP span, which is not a log, that one calls a model, which fails.
 */
function traceConversation(provider: TracerProvider, session: string): void {
  const tracer = provider.getTracer('app', '1.0.0');
  const start = (name: string, parent: typeof ROOT_CONTEXT, attributes: Record<string, string>) => {
    const span = tracer.startSpan(name, { attributes }, parent);
    return { span, inside: trace.setSpan(parent, span) };
  };
  const planner = start('planner', ROOT_CONTEXT, {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'planner',
    'session.id': session,
  });
  const tool = start('tool', planner.inside, {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'get_weather',
  });
  tool.span.end();
  const writer = start('writer', planner.inside, {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'writer',
  });
  const http = start('POST', writer.inside, { 'http.request.method': 'POST' });
  const model = start('model', http.inside, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: session }] }]),
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'Hello.' }] }]),
  });
  model.span.recordException(new Error('cut off'));
  model.span.setStatus({ code: 2, message: 'cut off' });
  for (const { span } of [model, http, writer, planner]) span.end();
}

function expectConversations(logs: readonly LogResponse[]): void {
  expect(logs).toHaveLength(8);
  const planners = logs.filter(({ parent_id }) => !parent_id);
  expect(new Set(planners.map(({ session_id }) => session_id)).size).toBe(2);
  for (const planner of planners) {
    const ofSession = logs.filter(({ session_id }) => session_id === planner.session_id);
    const below = (id: string) => ofSession.filter(({ parent_id }) => parent_id === id);
    expect(ofSession).toHaveLength(4);
    expect(below(planner.id).map(nameOf).sort()).toEqual(['tool', 'writer']);
    const writer = below(planner.id).find((log) => nameOf(log) === 'writer');
    expect(below(String(writer?.id))).toEqual([
      expect.objectContaining({
        config: expect.objectContaining({ type: 'model', model: 'gpt-4o' }),
        output: 'Hello.',
        error: expect.stringContaining('cut off'),
        metadata: expect.objectContaining({ span_name: 'model', scope: 'app@1.0.0' }),
      }),
    ]);
  }
}

function nameOf({ metadata }: LogResponse): unknown {
  return metadata?.['span_name'];
}
