/** The spans of `workload.ts` as requests of OTLP, and the same logs as requests of the v4 API. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import { Workload } from './workload.ts';

let loops = 0;

export interface Post {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
}

/** As they end: in the order in which a batch processor sends them. */
export function mixedTraces(traces: number): ReadableSpan[] {
  return record((workload) => {
    for (let i = 0; i < traces; i++) workload.trace();
  });
}

/** One trace: an agent that calls as many agents one after another, and ends last. */
export function agentLoop(agents: number): ReadableSpan[] {
  return record((workload) => {
    const conversation = `loop-${loops++}`;
    const root = workload.startAgent(undefined, conversation);
    for (let i = 0; i < agents; i++) workload.trace(root, conversation);
    root.end();
  });
}

/** The spans of `mixedTraces` that are logs, and hang under each other. */
export function logsAlone(traces: number): ReadableSpan[] {
  const all = mixedTraces(traces);
  const byId = new Map(all.map((span) => [span.spanContext().spanId, span]));
  return all.filter(isLog).map((span) => {
    let parent = span.parentSpanContext;
    for (let above = byId.get(parent?.spanId ?? ''); above && !isLog(above); above = byId.get(parent?.spanId ?? '')) {
      parent = above.parentSpanContext;
    }
    return Object.create(span, { parentSpanContext: { value: parent } }) as ReadableSpan;
  });
}

/** Spans that are not logs: as many as `logsAlone` has. */
export function plumbingAlone(traces: number): ReadableSpan[] {
  return mixedTraces(traces).filter((span) => !isLog(span));
}

function isLog({ attributes }: ReadableSpan): boolean {
  return attributes['gen_ai.operation.name'] !== undefined;
}

export function inRequests(spans: readonly ReadableSpan[], size: number, type?: 'json'): Post[] {
  const posts: Post[] = [];
  for (let at = 0; at < spans.length; at += size) {
    const some = spans.slice(at, at + size);
    posts.push(
      type === 'json'
        ? { path: '/v1/traces', type: 'application/json', body: JsonTraceSerializer.serializeRequest(some)! }
        : { path: '/v1/traces', type: 'application/x-protobuf', body: ProtobufTraceSerializer.serializeRequest(some)! },
    );
  }
  return posts;
}

/** What the span processor sends for as many traces: a request for each level of the trees. */
export async function v4Posts(traces: number): Promise<Post[]> {
  const posts: Post[] = [];
  const sink = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    posts.push({ path: '/v4/logs', type: 'application/json', body: new Uint8Array(body) });
    const ids = [JSON.parse(body.toString())].flat().map((_, index) => ({ id: `data_${index}` }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ids));
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const baseUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/v4`;
  const processor = new HumanloopSpanProcessor({ baseUrl, batch: { maxItems: 1_000, maxBytes: 15e6 }, quiet: true });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const workload = new Workload(provider.getTracer('bench', '1.0.0'));
  for (let i = 0; i < traces; i++) workload.trace();
  await provider.shutdown();
  sink.close();
  return posts;
}

function record(run: (workload: Workload) => void): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  run(new Workload(provider.getTracer('bench', '1.0.0')));
  return exporter.getFinishedSpans();
}
