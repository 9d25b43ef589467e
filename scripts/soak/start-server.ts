/** Starts the measured server in a process of its own, with a small heap. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { bundled } from '../../test/support/producer/start-producer.ts';
import type { ServerFigures } from './server-process.ts';

export interface ServerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Resolves when the process has ended: with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Everything that it has printed, on both streams. */
  readonly output: () => string;
  /** Asks the server for what it has measured since the last question. */
  measure(): Promise<ServerFigures>;
  kill(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly file: string;
  /** 0 lets the system choose. */
  readonly port?: number;
  readonly heapMegabytes?: number;
}

/** Rejects if the process ends before it serves. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { file, port = 0, heapMegabytes = 512 } = options;
  const child = fork(await bundled('scripts/soak/server-process.ts'), {
    execArgv: ['--no-warnings', '--expose-gc', `--max-old-space-size=${heapMegabytes}`],
    env: { PATH: process.env['PATH'], FILE: file, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-100_000);
    });
  }
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal) as Promise<number | string>;
  const ready = await Promise.race([once(child, 'message'), ended]);
  if (!Array.isArray(ready)) throw new Error(`the server did not start (${ready}): ${output}`);
  return {
    url: (ready[0] as { url: string }).url,
    child,
    ended,
    output: () => output,
    measure: async () => {
      const answer = once(child, 'message');
      // To one that has just ended, nothing can be sent: `ended` says so. Without a callback, the child would emit an error.
      child.send('measure', () => {});
      const [figures] = (await Promise.race([answer, ended.then(() => [undefined])])) as [ServerFigures | undefined];
      if (!figures) throw new Error(`the server has ended (${await ended}): ${output}`);
      return figures;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
