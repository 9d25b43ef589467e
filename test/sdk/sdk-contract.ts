/** What must hold with every major version of the OpenTelemetry SDK, against the real server. */
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

/** An agent with a tool and, below an HTTP span that is no log, a model call. */
function traceConversation(provider: TracerProvider, session: string): void {
  const tracer = provider.getTracer('app', '1.0.0');
  const start = (name: string, parent: typeof ROOT_CONTEXT, attributes: Record<string, string>) => {
    const span = tracer.startSpan(name, { attributes }, parent);
    return { span, inside: trace.setSpan(parent, span) };
  };
  const agent = start('agent', ROOT_CONTEXT, {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'planner',
    'session.id': session,
  });
  const tool = start('tool', agent.inside, {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'get_weather',
  });
  tool.span.end();
  const http = start('POST', agent.inside, { 'http.request.method': 'POST' });
  const model = start('model', http.inside, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: session }] }]),
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'Hello.' }] }]),
  });
  model.span.setStatus({ code: 2, message: 'cut off' });
  model.span.end();
  http.span.end();
  agent.span.end();
}

function expectConversations(logs: readonly LogResponse[]): void {
  expect(logs).toHaveLength(6);
  const agents = logs.filter(({ parent_id }) => !parent_id);
  expect(new Set(agents.map(({ session_id }) => session_id)).size).toBe(2);
  for (const agent of agents) {
    const below = logs.filter(({ parent_id }) => parent_id === agent.id);
    expect(below.map(({ config }) => config?.type).sort()).toEqual(['model', 'tool']);
    for (const log of below) expect(log.session_id).toBe(agent.session_id);
    const model = below.find(({ config }) => config?.type === 'model');
    expect(model?.output).toBe('Hello.');
    expect(model?.error).toContain('cut off');
  }
}
