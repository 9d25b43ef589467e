/**
 * What the machine has kept the soak from doing, so that a slow answer of the server can be told from a slow machine: the
 * delays of a control process, the time in which the server could run and had no processor, and the time in which this
 * process, which measures, was held up itself.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from '../../test/support/producer/start-producer.ts';
import type { Delay } from './control-process.ts';

export interface Machine {
  /** Milliseconds of the machine's delays between two times of `Date.now()`. */
  delaysBetween(from: number, to: number): number;
  /** The longest delays of the control process. */
  longest(): { readonly timerMillis: number; readonly diskMillis: number };
  close(): Promise<void>;
}

const SAMPLE_MILLIS = 20;

/** `pidOf` returns the process id of the server, which changes when it is started again. */
export async function watchMachine(directory: string, pidOf: () => number | undefined): Promise<Machine> {
  const delays: Delay[] = [];
  const own: { from: number; to: number }[] = [];
  /** What the server's main thread had waited for a processor, in all, at a time. */
  const waits: { at: number; pid: number; millis: number }[] = [];

  const control = fork(await bundled('scripts/soak/control-process.ts'), {
    env: { PATH: process.env['PATH'], FILE: join(directory, 'control') },
  });
  control.on('message', (delay: Delay) => delays.push(delay));

  let due = Date.now() + SAMPLE_MILLIS;
  const timer = setInterval(() => {
    const now = Date.now();
    if (now > due) own.push({ from: due, to: now });
    due = now + SAMPLE_MILLIS;
    const pid = pidOf();
    const millis = pid && readWaitMillis(pid);
    if (pid && millis !== undefined) waits.push({ at: now, pid, millis });
  }, SAMPLE_MILLIS);

  const waitedBetween = (from: number, to: number): number => {
    let millis = 0;
    const first = Math.max(1, lowerBound(waits, from));
    for (let index = first; index < waits.length && waits[index - 1]!.at < to; index += 1) {
      const [before, after] = [waits[index - 1]!, waits[index]!];
      if (before.pid === after.pid) millis += after.millis - before.millis;
    }
    return millis;
  };

  return {
    delaysBetween: (from, to) => {
      const ofKind = (kind: Delay['kind']) =>
        overlap(
          delays.filter((delay) => delay.kind === kind),
          from,
          to,
        );
      const processor = Math.max(ofKind('timer'), waitedBetween(from, to));
      return processor + ofKind('disk') + overlap(own, from, to);
    },
    longest: () => {
      const ofKind = (kind: Delay['kind']) =>
        delays.reduce((most, delay) => (delay.kind === kind ? Math.max(most, delay.to - delay.from) : most), 0);
      return { timerMillis: ofKind('timer'), diskMillis: ofKind('disk') };
    },
    close: async () => {
      clearInterval(timer);
      const ended = once(control, 'exit');
      control.disconnect();
      await ended;
    },
  };
}

/** Of a process's main thread; `undefined` where it has ended, or the system does not say. */
function readWaitMillis(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return undefined;
  }
}

function overlap(delays: readonly { from: number; to: number }[], from: number, to: number): number {
  return delays.reduce((sum, delay) => sum + Math.max(0, Math.min(delay.to, to) - Math.max(delay.from, from)), 0);
}

/** Returns the index of the first one that is not before the time. */
function lowerBound(samples: readonly { at: number }[], time: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (samples[middle]!.at < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
