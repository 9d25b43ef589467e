import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A program of `children/`, in a process where an unhandled rejection is a crash. */
export function startChild(name: string, env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  const file = join(import.meta.dirname, 'children', name);
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', '--import', 'tsx', file], {
    env: { PATH: process.env['PATH'], ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

export async function outcomeOf(child: ChildProcessWithoutNullStreams) {
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, out, err };
}
