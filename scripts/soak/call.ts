/** One request over a connection of its own or a kept one, with the whole answer and how long it took. */
import { Agent, request as send } from 'node:http';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array | string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  /** 0 where the connection broke before there was an answer. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
  readonly millis: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Never rejects: a connection that breaks is what a client sees of a server that is killed. */
export function call(url: string, { method, path, body, headers }: Call): Promise<Reply> {
  const started = performance.now();
  return new Promise((resolve) => {
    const broken = (): void =>
      resolve({ status: 0, retryAfter: undefined, text: '', millis: performance.now() - started });
    const request = send(url + path, { method, agent, headers: { 'content-type': 'application/json', ...headers } });
    request.on('error', broken);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', broken);
      response.on('close', () => {
        if (!response.complete) return broken();
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          text: Buffer.concat(chunks).toString(),
          millis: performance.now() - started,
        });
      });
    });
    request.end(body);
  });
}

export function post(path: string, body: unknown): Call {
  return { method: 'POST', path, body: JSON.stringify(body) };
}

export function get(path: string): Call {
  return { method: 'GET', path };
}
