/** One tree over two languages: an agent in Python, by OTLP, calls this Node service, which calls it back */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createOpenAI } from '@ai-sdk/openai';
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { ToolLoopAgent, tool } from 'ai';
import { HumanloopPropagator, HumanloopSpanProcessor } from 'humanloop-otel';
import { z } from 'zod';

const BASE_URL = process.env['HUMANLOOP_BASE_URL'] ?? 'http://127.0.0.1:4340/v4';
const PYTHON = process.env['PYTHON'] ?? 'python3';
const MODULES = 'import opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http.trace_exporter';

const processor = new HumanloopSpanProcessor({ project: 'node-service', quiet: true });
const provider = new NodeTracerProvider({ spanProcessors: [processor] });
provider.register({
  propagator: new CompositePropagator({
    propagators: [new W3CTraceContextPropagator(), new HumanloopPropagator(processor)],
  }),
});
const tracer = trace.getTracer('node-service');
const openai = createOpenAI({ baseURL: process.env['OPENAI_BASE_URL'] });

interface Request {
  readonly question: string;
  /** Where the caller tells the weather. */
  readonly weatherUrl: string;
}

/** An agent whose tool asks the caller. */
async function answer({ question, weatherUrl }: Request): Promise<string> {
  const agent = new ToolLoopAgent({
    model: openai.chat('gpt-4o-mini'),
    instructions: 'Look at the weather before you answer, in one sentence.',
    tools: {
      get_weather: tool({
        description: "Tomorrow's weather in a city",
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => {
          const headers: Record<string, string> = {};
          propagation.inject(context.active(), headers);
          const response = await fetch(`${weatherUrl}?city=${encodeURIComponent(city)}`, { headers });
          return response.json();
        },
      }),
    },
    experimental_telemetry: { isEnabled: true, functionId: 'trip-planner' },
  });
  return (await agent.generate({ prompt: question })).text;
}

const server = createServer(async (request, response) => {
  const caller = propagation.extract(ROOT_CONTEXT, request.headers);
  await tracer.startActiveSpan('POST /answer', { kind: SpanKind.SERVER }, caller, async (span) => {
    try {
      response.end(JSON.stringify({ answer: await answer((await json(request)) as Request) }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    } finally {
      span.end();
    }
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const { status, stderr } = spawnSync(PYTHON, ['-c', MODULES], { encoding: 'utf8' });
const isPython = status === 0;
if (!isPython) {
  const reason = stderr?.trim().split('\n').at(-1) ?? `there is no ${PYTHON}`;
  console.log(`${reason}: a stand-in sends what the agent in Python would send.`);
  console.log('For Python itself: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http\n');
}
const file = fileURLToPath(new URL(isPython ? './agent.py' : './stand-in.ts', import.meta.url));
const agent = spawn(isPython ? PYTHON : process.execPath, isPython ? [file] : ['--import', 'tsx', file], {
  stdio: 'inherit',
  env: {
    ...process.env,
    SERVICE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`,
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL('..', `${BASE_URL}/`).href.replace(/\/$/, ''),
    ...(process.env['HUMANLOOP_API_KEY'] && {
      OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${process.env['HUMANLOOP_API_KEY']}`,
    }),
  },
});
const [code] = await once(agent, 'exit');
server.close();
await provider.shutdown();
process.exitCode = code ?? 1;
