import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/index.ts';

/** Creates a directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-otel-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Answer {
  status: number;
  headers: Headers;
  /** The parsed body. */
  body: ReturnType<typeof JSON.parse>;
}

export interface TestServer extends RunningServer {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** Starts a real server on a free port with a real file, or the given database. They are removed when the test ends. */
export async function startTestServer(options: ServerOptions = {}): Promise<TestServer> {
  const file = options.database === undefined && { file: join(temporaryDirectory(), 'logs.db') };
  const server = await startServer({ port: 0, ...file, ...options });
  onTestFinished(() => server.close());
  return {
    ...server,
    call: async (method, path, body, headers) => {
      const response = await fetch(server.url + path, {
        method,
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        headers: { 'content-type': 'application/json', ...headers },
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}
