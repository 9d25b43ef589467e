/** What `agent.py` does and sends, for where Python's exporter is not installed: spans as OTLP's JSON, written by hand. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const { SERVICE_URL = '', OTEL_EXPORTER_OTLP_ENDPOINT = '', OTEL_EXPORTER_OTLP_HEADERS = '' } = process.env;

const SERVER = 2;
const CLIENT = 3;

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  endTimeUnixNano?: string;
  readonly attributes: { key: string; value: { stringValue: string } }[];
}

const spans: Span[] = [];
const id = (bytes: number) => randomBytes(bytes).toString('hex');
const now = () => `${Date.now()}000000`;
const texts = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

function start(name: string, parent: Partial<Span>, kind = 1, attributes: Record<string, string> = {}): Span {
  const { traceId = id(16), spanId: parentSpanId, traceState } = parent;
  const span: Span = {
    ...{ traceId, spanId: id(8), name, kind, startTimeUnixNano: now(), attributes: [] },
    ...(parentSpanId && { parentSpanId }),
    ...(traceState && { traceState }),
  };
  for (const [key, value] of Object.entries(attributes)) set(span, key, value);
  return span;
}

function set(span: Span, key: string, stringValue: string): void {
  span.attributes.push({ key, value: { stringValue } });
}

function end(span: Span): void {
  span.endTimeUnixNano = now();
  spans.push(span);
}

const WEATHER = JSON.stringify({ sky: 'dry', degrees: 14 });
const weather = createServer((request, response) => {
  const [, traceId, spanId] = String(request.headers['traceparent']).split('-');
  const traceState = request.headers['tracestate'];
  const caller = { traceId: traceId!, spanId: spanId!, ...(traceState && { traceState: String(traceState) }) };
  const served = start('GET /weather', caller, SERVER);
  const tool = start('execute_tool thermometer', served, 1, {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'thermometer',
    'gen_ai.tool.call.result': WEATHER,
  });
  end(tool);
  end(served);
  response.end(WEATHER);
});
weather.listen(0, '127.0.0.1');
await once(weather, 'listening');

const question = 'Shall I take the train from Bergen to Oslo?';
const agent = start('invoke_agent guide', {}, 1, {
  'gen_ai.operation.name': 'invoke_agent',
  'gen_ai.agent.name': 'guide',
  'gen_ai.input.messages': texts('user', question),
});
const tool = start('execute_tool ask_planner', agent, 1, {
  'gen_ai.operation.name': 'execute_tool',
  'gen_ai.tool.name': 'ask_planner',
});
const post = start('POST', tool, CLIENT);
const response = await fetch(SERVICE_URL, {
  method: 'POST',
  headers: { 'content-type': 'application/json', traceparent: `00-${post.traceId}-${post.spanId}-01` },
  body: JSON.stringify({
    question,
    weatherUrl: `http://127.0.0.1:${(weather.address() as AddressInfo).port}/weather`,
  }),
});
const { answer } = (await response.json()) as { answer: string };
end(post);
set(tool, 'gen_ai.tool.call.result', answer);
end(tool);
set(agent, 'gen_ai.output.messages', texts('assistant', answer));
end(agent);
console.log(answer);
weather.close();

const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'python-agent' } }] };
const [name = '', value = ''] = OTEL_EXPORTER_OTLP_HEADERS.split('=');
const sent = await fetch(`${OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(name && { [name]: value }) },
  body: JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'python-agent' }, spans }] }],
  }),
});
if (!sent.ok) throw new Error(`the server answered ${sent.status}: ${await sent.text()}`);
