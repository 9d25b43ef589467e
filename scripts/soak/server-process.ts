/**
 * A server in a process of its own, which can be killed, and which measures itself: how long its event loop was held up,
 * and what memory is left after a collection. `soak/start-server.ts` starts it.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startServer } from '../../src/server/index.ts';

/** What the server says of itself when it is asked. */
export interface ServerFigures {
  /** The longest time since the last question in which the event loop ran nothing else, in milliseconds. */
  readonly longestBlockMillis: number;
  /** The same in processor time, which other work on the machine does not lengthen. It lacks the waiting for the disk. */
  readonly longestBusyMillis: number;
  /** After a collection of all garbage. */
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const { FILE = '', PORT = '0' } = process.env;
const delay = monitorEventLoopDelay({ resolution: 1 });
let busyMillis = 0;
let longestBusyMillis = 0;
setInterval(() => {
  const millis = readBusyMillis();
  longestBusyMillis = Math.max(longestBusyMillis, millis - busyMillis);
  busyMillis = millis;
}, 1).unref();

/** Processor time of this thread, where the system says so. */
function readBusyMillis(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}

const { url } = await startServer({ file: FILE, port: Number(PORT) });

process.on('message', () => {
  const figures = { longestBlockMillis: delay.max / 1e6, longestBusyMillis };
  // Twice: what the first collection finalizes, the second one frees.
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
  process.send?.({ ...figures, rssBytes, heapBytes } satisfies ServerFigures, () => {
    // The collection itself does not count.
    setTimeout(() => {
      delay.reset();
      longestBusyMillis = 0;
    }, 3);
  });
});
process.on('disconnect', () => process.exit());
delay.enable();
process.send?.({ url });
