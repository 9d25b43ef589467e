/**
 * What spans cost the server that come by OTLP. Decoding alone, against `JSON.parse` of the same spans; end to end with
 * SQLite, against POSTs of the same logs to the v4 API; and a trace of 10,000 spans in 100 requests, against traces of 12.
 */
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { median } from './median.ts';
import { CostsOfPosts } from './otlp-costs.ts';
import { agentLoop, inRequests, logsAlone, mixedTraces, type Post, plumbingAlone, v4Posts } from './otlp-workload.ts';
import type { Arena } from './rounds.ts';
import type { Effort } from './scenarios.ts';
import { number, ratio, type Table } from './tables.ts';
import { LOGS_PER_TRACE, SPANS_PER_TRACE } from './workload.ts';

const TRACES = 83;
const SPANS = TRACES * SPANS_PER_TRACE;
const LOGS = TRACES * LOGS_PER_TRACE;
/** Requests of each kind in a round. */
const REQUESTS = 5;
const DECODED = 20;
const MAX_ROUNDS = 5;
/** The large trace, and as many spans in small ones. */
const LARGE_TRACES = 834;
const SPANS_PER_REQUEST = 100;

type Decode = (bytes: Buffer) => unknown;

export async function otlp(_arena: Arena, { rounds }: Effort): Promise<Table> {
  const spans = mixedTraces(TRACES);
  const binary = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans)!);
  const text = Buffer.from(JsonTraceSerializer.serializeRequest(spans)!);
  const decoding = await decodeInTurns(binary, text, rounds);
  const costs = await storeInTurns(rounds);
  const micros = (name: string) => costs.microsOf(name) / REQUESTS;
  const v4 = micros('v4') / LOGS;
  const row = (name: string, bytes: number, decoded: number | undefined, stored: string) => [
    name,
    number(bytes / SPANS),
    decoded === undefined ? '' : number(decoded / SPANS, 1),
    number(micros(stored) / SPANS, 1),
    number(micros(stored) / LOGS, 1),
    ratio(costs.ratioOf(stored, 'v4')),
  ];
  const perSpan = (name: string, stored: string, divisor: number, isLog: boolean) => [
    name,
    '',
    '',
    number(costs.microsOf(stored) / divisor, 1),
    isLog ? number(costs.microsOf(stored) / divisor, 1) : '',
    isLog ? ratio(costs.ratioOf(stored, 'v4') * ((LOGS * REQUESTS) / divisor)) : '',
  ];
  const large = costs.microsOf('large trace') / (LARGE_TRACES * SPANS_PER_TRACE);
  const small = costs.microsOf('small traces') / (LARGE_TRACES * SPANS_PER_TRACE);
  return {
    title: 'Spans that come by OTLP',
    head: ['', 'bytes a span', 'decoding, µs a span', 'stored, µs a span', 'µs a log', '× v4'],
    rows: [
      ['POST /v4/logs, the same logs', '', '', '', number(v4, 1), ratio(1)],
      row('OTLP, protobuf', binary.length, decoding['protobuf'], 'protobuf'),
      row('OTLP, JSON', text.length, decoding['json'], 'json'),
      perSpan('OTLP, protobuf, logs alone', 'logs', LOGS * REQUESTS, true),
      perSpan('OTLP, protobuf, no logs', 'plumbing', LOGS * REQUESTS, false),
      ['JSON.parse alone', number(text.length / SPANS), number(decoding['parse']! / SPANS, 1), '', '', ''],
      [
        '12 spans a trace, 100 a request',
        '',
        '',
        number(small, 1),
        number(small * (SPANS_PER_TRACE / LOGS_PER_TRACE), 1),
        '',
      ],
      [
        '10,009 spans in one trace',
        '',
        '',
        number(large, 1),
        number(large * (SPANS_PER_TRACE / LOGS_PER_TRACE), 1),
        '',
      ],
    ],
    note: `CPU time. In a request are ${number(SPANS)} spans, of which ${number(LOGS)} are logs, or those of one kind. *Stored* is the whole server process, with SQLite, until all is indexed for the viewer; × v4 is the median over the rounds of three processes. The v4 API gets the logs only, mapped by the app. The large trace is an agent's loop, whose root comes last: a span of it costs ${ratio(costs.ratioOf('large trace', 'small traces'))} × one of a small trace.`,
  };
}

/** Returns the CPU microseconds of each, the median of turns. */
async function decodeInTurns(binary: Buffer, text: Buffer, rounds: number): Promise<Record<string, number>> {
  // Files of a second build, since the package does not export its decoders.
  const files = {
    protobuf: './package/server/otlp/decoding/decode-protobuf.js',
    json: './package/server/otlp/decoding/decode-json-bytes.js',
  };
  const fromProtobuf = ((await import(files.protobuf)) as { decodeTraces: Decode }).decodeTraces;
  const fromJson = ((await import(files.json)) as { decodeTraces: Decode }).decodeTraces;
  const steps: Record<string, () => unknown> = {
    parse: () => JSON.parse(text.toString()),
    json: () => fromJson(text) ?? fail('JSON was not read from its bytes'),
    protobuf: () => fromProtobuf(binary),
  };
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

function fail(message: string): never {
  throw new Error(message);
}

/** Measures the kinds of requests in turns. */
async function storeInTurns(rounds: number): Promise<CostsOfPosts> {
  const repeat = async (make: () => Post[] | Promise<Post[]>): Promise<Post[]> => {
    const posts: Post[] = [];
    for (let i = 0; i < REQUESTS; i++) posts.push(...(await make()));
    return posts;
  };
  const whole = (spans: readonly ReadableSpan[], type?: 'json') => inRequests(spans, spans.length, type);
  return CostsOfPosts.measure(Math.max(2, Math.min(rounds, MAX_ROUNDS)), {
    v4: () => repeat(() => v4Posts(TRACES)),
    protobuf: () => repeat(() => whole(mixedTraces(TRACES))),
    json: () => repeat(() => whole(mixedTraces(TRACES), 'json')),
    logs: () => repeat(() => whole(logsAlone(TRACES))),
    plumbing: () => repeat(() => whole(plumbingAlone(TRACES))),
    'small traces': async () => inRequests(mixedTraces(LARGE_TRACES), SPANS_PER_REQUEST),
    'large trace': async () => inRequests(agentLoop(LARGE_TRACES), SPANS_PER_REQUEST),
  });
}
