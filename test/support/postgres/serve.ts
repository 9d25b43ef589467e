/** `humanloop-otel serve` on a database, in a process of its own, which can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const CLI = join(import.meta.dirname, '..', '..', '..', 'src', 'cli.ts');

export interface ServeProcess {
  readonly child: ChildProcess;
  /** `http://127.0.0.1:4340`. */
  readonly url: string;
  /** With `/v4`. */
  readonly baseUrl: string;
  /** What it has written to stderr. */
  errors(): string;
  /** Bytes of memory that it has now. Linux only. */
  memoryBytes(): number;
}

/** Resolves when it listens. It is killed when the test ends. */
export async function serve(database: string, port = 0): Promise<ServeProcess> {
  const server = await startServe(database, port);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  return server;
}

/** Like `serve`, for a caller that kills it. Rejects with what it has written if it ends instead. */
export async function startServe(database: string, port = 0): Promise<ServeProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, 'serve', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HUMANLOOP_API_KEY: '', HUMANLOOP_PUBLIC_URL: '', HUMANLOOP_DATABASE_URL: database },
  });
  let [output, errors] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const found = /(http:\/\/[^/\s]+)\/v4/.exec(output) ?? /(http:\/\/[^/\s]+)/.exec(output);
      if (found) resolve(found[1] as string);
    });
    child.once('close', () => reject(new Error(errors)));
  });
  return {
    ...{ child, url, baseUrl: `${url}/v4` },
    errors: () => errors,
    memoryBytes: () => {
      const pages = Number(readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')[1]);
      return pages * 4096;
    },
  };
}
