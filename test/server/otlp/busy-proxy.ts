/** A server in front of another one, that is busy at first. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Refusal {
  readonly status: number;
  readonly headers?: Record<string, string>;
}

/** Answers the first requests by itself, and passes the others on. Returns its address. Closed when the test ends. */
export async function startBusyProxy(target: string, refusals: readonly Refusal[]): Promise<string> {
  const left = [...refusals];
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const refusal = left.shift();
    if (refusal) return void response.writeHead(refusal.status, refusal.headers).end();
    const headers = { 'content-type': request.headers['content-type']! };
    const body = new Uint8Array(Buffer.concat(chunks));
    const answer = await fetch(target + request.url, { method: 'POST', headers, body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type')! });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void proxy.close());
  await once(proxy, 'listening');
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}
