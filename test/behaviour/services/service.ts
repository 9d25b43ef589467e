/**
 * A service that does with each request what the request says: it starts spans, each within the one before, calls another
 * service in the innermost, and answers with the reference ids of these spans and of those of the services below.
 */
import { createServer, type IncomingMessage, request as sendByHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, propagation, type Span, trace } from '@opentelemetry/api';

export interface Task {
  /** Of each span its name, and its attributes. */
  readonly spans: readonly (readonly [name: string, attributes: Readonly<Record<string, string>>])[];
  readonly next?: { readonly url: string; readonly by: 'http' | 'fetch' | 'hand'; readonly task: Task };
  /** The outermost spans are not ended, and no answer comes. */
  readonly hangs?: boolean;
}

export type References = Readonly<Record<string, string>>;

async function work({ spans, next, hangs = false }: Task, above: References = {}): Promise<References> {
  const [first, ...rest] = spans;
  if (!first) {
    return { ...above, ...(next && (await call(next).catch(() => ({})))) };
  }
  const [name, attributes] = first;
  return trace.getTracer('service').startActiveSpan(name, { attributes: { ...attributes } }, async (span) => {
    const known = { ...above, [name]: referenceOf(span) };
    try {
      const references = await work({ spans: rest, ...(next && { next }), hangs }, known);
      if (hangs && rest.length > 0) await new Promise(() => undefined);
      if (hangs) process.stdout.write(`${JSON.stringify(references)}\n`);
      return references;
    } finally {
      span.end();
    }
  });
}

async function call({ url, by, task }: NonNullable<Task['next']>): Promise<References> {
  const body = JSON.stringify(task);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (by === 'hand') propagation.inject(context.active(), headers);
  if (by !== 'http') return JSON.parse(await (await fetch(url, { method: 'POST', headers, body })).text());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sendByHttp(url, { method: 'POST', headers }, resolve).on('error', reject).end(body);
  });
  return JSON.parse(await textOf(answer));
}

async function textOf(message: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function referenceOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

const server = createServer(async (request, response) => {
  try {
    if (request.url === '/flush') {
      await (globalThis as { flush?: () => Promise<void> }).flush?.();
      return void response.end('{}');
    }
    response.end(JSON.stringify(await work(JSON.parse(await textOf(request)))));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
