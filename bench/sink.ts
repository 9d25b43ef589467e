/**
 * The server that all contenders send to, in a process of its own. It reads only as much of a body as it needs to
 * answer with an id for each log and to know which logs arrived. It can be slow and answer 503.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { createRandom } from './random.ts';

export interface SinkConditions {
  /** Milliseconds between the last byte of a request and the answer. */
  readonly delayMillis: number;
  /** Share of requests that are answered with 503 and not stored. */
  readonly failingShare: number;
}

export interface SinkCounts {
  readonly requests: number;
  readonly posts: number;
  readonly patches: number;
  /** Number of logs with different references, or of OTLP spans. */
  readonly stored: number;
  readonly repeated: number;
  /** Bytes of request bodies as they arrived, compressed or not. */
  readonly bytes: number;
}

const REFERENCE = Buffer.from('"reference_id":"');
const SPAN_ID = Buffer.from('"spanId":');
/** The length of `<traceId>-<spanId>`. */
const REFERENCE_LENGTH = 49;

let conditions: SinkConditions = { delayMillis: 0, failingShare: 0 };
const NOTHING = { requests: 0, posts: 0, patches: 0, spans: 0, repeated: 0, bytes: 0 };
let counts = { ...NOTHING };
const references = new Set<string>();
let random = createRandom(1);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const received = Buffer.concat(chunks);
    counts.bytes += received.length;
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(received) : received;
    if (conditions.delayMillis === 0) answer(request, body, response);
    else setTimeout(answer, conditions.delayMillis, request, body, response);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', (message: { reset?: SinkConditions }) => {
  if (message.reset) {
    conditions = message.reset;
    counts = { ...NOTHING };
    references.clear();
    random = createRandom(1);
  }
  const { spans, ...rest } = counts;
  process.send?.({ counts: { ...rest, stored: spans + references.size } satisfies SinkCounts });
});
process.on('disconnect', () => process.exit());

function answer({ method, url }: IncomingMessage, body: Buffer, response: ServerResponse): void {
  counts.requests++;
  if (isFailing()) {
    response.writeHead(503, { 'content-length': 0 }).end();
  } else if (url?.startsWith('/v4/logs') && method === 'POST') {
    counts.posts++;
    const ids = body[0] === 0x5b ? store(body) : '{}';
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': ids.length }).end(ids);
  } else if (url?.startsWith('/v4/logs')) {
    counts.patches++;
    const reference = url.slice(url.indexOf('=') + 1);
    const isKnown = references.has(reference);
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' }).end('{"id":"data_0"}');
  } else {
    for (let at = body.indexOf(SPAN_ID); at >= 0; at = body.indexOf(SPAN_ID, at + 1)) counts.spans++;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 }).end('{}');
  }
}

function store(body: Buffer): string {
  const ids: string[] = [];
  for (let at = body.indexOf(REFERENCE); at >= 0; at = body.indexOf(REFERENCE, at + 1)) {
    const start = at + REFERENCE.length;
    const reference = body.toString('latin1', start, start + REFERENCE_LENGTH);
    if (references.has(reference)) counts.repeated++;
    references.add(reference);
    ids.push(`{"id":"data_${ids.length}"}`);
  }
  return `[${ids.join(',')}]`;
}

/** With the same order of requests, the same requests fail in each run. */
function isFailing(): boolean {
  return random() < conditions.failingShare;
}
