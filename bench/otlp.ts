/**
 * What spans cost the server that come by OTLP, 1,000 in each request: decoding alone, against `JSON.parse` of the same
 * spans, and end to end with SQLite, against POSTs of the same logs to the v4 API.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import { median } from './median.ts';
import type { Arena } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { number, type Table } from './tables.ts';
import { LOGS_PER_TRACE, SPANS_PER_TRACE, Workload } from './workload.ts';

const TRACES = 83;
const SPANS = TRACES * SPANS_PER_TRACE;
const LOGS = TRACES * LOGS_PER_TRACE;
/** Requests of each kind in a round, and before the first one. */
const REQUESTS = 5;
const DECODED = 20;
/** The server's work for the viewer follows the answer. */
const INDEXED_MILLIS = 700;

type Decode = (input: unknown) => unknown;

interface Post {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
}

export async function otlp(_arena: Arena, { rounds }: Effort): Promise<Table> {
  // Files of a second build, since the package does not export its decoders.
  const files = { protobuf: './package/server/otlp/decode-protobuf.js', json: './package/server/otlp/decode-json.js' };
  const fromProtobuf = ((await import(files.protobuf)) as { decodeTraces: Decode }).decodeTraces;
  const fromJson = ((await import(files.json)) as { decodeTraces: Decode }).decodeTraces;
  const spans = makeSpans();
  const binary = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans)!);
  const text = Buffer.from(JsonTraceSerializer.serializeRequest(spans)!).toString();
  const decoding = decodeInTurns(
    {
      parse: () => JSON.parse(text),
      json: () => fromJson(JSON.parse(text)),
      protobuf: () => fromProtobuf(binary),
    },
    rounds,
  );
  const whole = await storeInTurns(rounds);
  const v4 = whole['v4']! / LOGS;
  const row = (name: string, bytes: number | undefined, micros: number | undefined, log: number) => [
    name,
    bytes === undefined ? '' : number(bytes / SPANS),
    micros === undefined ? '' : number(micros / SPANS, 1),
    number(log, 1),
    number(log / v4, 2),
  ];
  return {
    title: 'Spans that come by OTLP',
    head: ['', 'bytes a span', 'decoding, µs a span', 'stored, µs a log', 'against v4'],
    rows: [
      row('POST /v4/logs, the same logs', undefined, undefined, v4),
      row('OTLP, protobuf', binary.length, decoding['protobuf'], whole['protobuf']! / LOGS),
      row('OTLP, JSON', Buffer.byteLength(text), decoding['json'], whole['json']! / LOGS),
      ['JSON.parse alone', number(Buffer.byteLength(text) / SPANS), number(decoding['parse']! / SPANS, 1), '', ''],
    ],
    note: `CPU time, ${number(SPANS)} spans in a request, of which ${number(LOGS)} are logs. *Stored* is the whole server process, with SQLite and what it does for the viewer. The v4 API gets the logs only, mapped by the app.`,
  };
}

function makeSpans(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const workload = new Workload(provider.getTracer('bench', '1.0.0'));
  for (let i = 0; i < TRACES; i++) workload.trace();
  return exporter.getFinishedSpans();
}

/** Returns the CPU microseconds of each, the median of turns. */
function decodeInTurns(steps: Readonly<Record<string, () => unknown>>, rounds: number): Record<string, number> {
  const micros = new Map<string, number[]>(Object.keys(steps).map((name) => [name, []]));
  for (let turn = 0; turn < DECODED * Math.min(rounds, 3) + DECODED; turn++) {
    for (const [name, step] of Object.entries(steps)) {
      const before = process.cpuUsage();
      step();
      const { user, system } = process.cpuUsage(before);
      if (turn >= DECODED) micros.get(name)!.push(user + system);
    }
  }
  return Object.fromEntries([...micros].map(([name, values]) => [name, median(values)]));
}

/** Returns the server's CPU microseconds for one request of each kind, the median of rounds. */
async function storeInTurns(rounds: number): Promise<Record<string, number>> {
  const makers: Record<string, () => Promise<Post[]>> = { v4: v4Posts, protobuf: protobufPost, json: jsonPost };
  const server = fork(new URL('./otlp-server.js', import.meta.url));
  const [url] = (await once(server, 'message')) as [string];
  const cpu = async (): Promise<number> => {
    server.send('cpu');
    return ((await once(server, 'message')) as [number])[0];
  };
  const micros = new Map<string, number[]>(Object.keys(makers).map((name) => [name, []]));
  for (let round = 0; round <= Math.max(2, Math.min(rounds, 5)); round++) {
    for (const [name, make] of Object.entries(makers)) {
      const posts: Post[] = [];
      for (let i = 0; i < REQUESTS; i++) posts.push(...(await make()));
      const before = await cpu();
      for (const { path, type, body } of posts) {
        const response = await fetch(url + path, { method: 'POST', body, headers: { 'content-type': type } });
        if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        await response.arrayBuffer();
      }
      await sleep(INDEXED_MILLIS);
      if (round > 0) micros.get(name)!.push(((await cpu()) - before) / REQUESTS);
    }
  }
  server.send('close');
  await once(server, 'exit');
  return Object.fromEntries([...micros].map(([name, values]) => [name, median(values)]));
}

async function protobufPost(): Promise<Post[]> {
  const body = ProtobufTraceSerializer.serializeRequest(makeSpans())!;
  return [{ path: '/v1/traces', type: 'application/x-protobuf', body }];
}

async function jsonPost(): Promise<Post[]> {
  const body = JsonTraceSerializer.serializeRequest(makeSpans())!;
  return [{ path: '/v1/traces', type: 'application/json', body }];
}

/** What the span processor sends for as many traces: a request for each level of the trees. */
async function v4Posts(): Promise<Post[]> {
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
  for (let i = 0; i < TRACES; i++) workload.trace();
  await provider.shutdown();
  sink.close();
  return posts;
}
