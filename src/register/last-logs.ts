/**
 * Sends the last logs when the process ends, and then lets it end as it would have: by the same signal, or with the same
 * exception and exit code.
 *
 * Where the app listens to a signal or to exceptions itself, the logs are sent beside that, and the app decides when it
 * ends. `process.exit()` and `SIGKILL` wait for nothing: then only a spool keeps the last logs.
 */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import type { ResolvedOptions } from '../options.ts';
import { sayIfLost } from '../pipeline/doctor/unsent-logs.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { Deadline, keepingAlive } from '../scheduling/deadline.ts';
import { listenForEnding } from './ending-events.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];
/** A process that ends by itself is not urged to. It waits this many times as long for a server that is silent. */
const PATIENCE = 5;
/** Time to close the logs of open spans, and to count what is lost, when there is no patience left. */
const LAST_MILLIS = 500;
const WATCH_MILLIS = 250;

export function sendLastLogs(
  processor: HumanloopSpanProcessor,
  {
    concurrency,
    exitTimeoutMillis,
    flushTimeoutMillis,
    quiet,
    spool,
  }: Pick<ResolvedOptions, 'concurrency' | 'exitTimeoutMillis' | 'flushTimeoutMillis' | 'quiet' | 'spool'>,
): void {
  /** Everything is done: the process may end. */
  let isOver = false;
  let ending: Promise<void> | undefined;

  const countLeft = () => {
    const { held, queued } = processor.stats();
    return held + queued;
  };
  const countNow = () => {
    const { held, queued, logged, updated, spooled, dropped } = processor.stats();
    const gone = Object.values(dropped).reduce((sum, count) => sum + count, logged + spooled);
    return { arrived: held + queued + gone, acknowledged: logged + updated };
  };
  const isDone = (work: Promise<void>) =>
    keepingAlive(new Deadline(exitTimeoutMillis).within(work, 'too late')).then(
      () => true,
      () => false,
    );
  const flush = () => isDone(processor.forceFlush({ timeoutMillis: exitTimeoutMillis }));
  /** Nothing of the app runs after this: the logs of open spans are closed too. */
  const end = (): Promise<void> => {
    ending ??= isDone(processor.shutdown()).then((isSent) => {
      if (!isSent && !spool) sayIfLost(countLeft(), `they were not sent within ${exitTimeoutMillis} ms`, quiet);
      isOver = true;
    });
    return ending;
  };

  const onSignal = (signal: Signal) => (hasOthers: boolean) => {
    if (hasOthers) return void flush();
    void end().then(() => {
      stopListening();
      process.kill(process.pid, signal);
      // The first process of a container has no default action for signals.
      if (process.pid === 1) process.exit(128 + constants.signals[signal]);
    });
  };
  const onException = (hasOthers: boolean, error: unknown, origin: unknown) => {
    if (hasOthers) return void flush();
    // Without this function, a later exception would end the process in the name of the first.
    const ignore = () => undefined;
    process.on('uncaughtException', ignore);
    void end().then(() => {
      stopListening();
      process.off('uncaughtException', ignore);
      throwAgain(error, origin);
    });
  };
  // Threads get no signals.
  const signals = isMainThread ? SIGNALS.map((signal) => [signal, onSignal(signal)] as const) : [];
  const stopListening = listenForEnding({ ...Object.fromEntries(signals), uncaughtException: onException });

  let isEndingCalmly = false;
  /** A signal that comes meanwhile ends the process within its own time. */
  const endCalmly = (timeoutMillis: number) => {
    isEndingCalmly = true;
    // It keeps to the time, and says itself what is lost.
    void processor.shutdown({ timeoutMillis }).then(() => {
      isOver = true;
    });
  };
  /** Ends if no log arrives, here or at the server. */
  let patience = new Deadline(0);
  /** Ends if no log arrives here. */
  let lastFlush = patience;
  let counted = { arrived: -1, acknowledged: 0 };
  const countAgain = () => {
    const now = countNow();
    const hasArrived = now.arrived > counted.arrived;
    if (hasArrived) lastFlush = new Deadline(flushTimeoutMillis);
    if (hasArrived || now.acknowledged > counted.acknowledged) patience = new Deadline(PATIENCE * exitTimeoutMillis);
    // Spans that turn out not to be logs do not count any more.
    counted = { ...now, arrived: Math.max(now.arrived, counted.arrived) };
    return counted;
  };
  let beforeFlush = counted;
  /** Undefined until there was one, and while there is one. */
  let isFlushed: boolean | undefined;
  let idle: readonly string[] | undefined;
  /** A server that hangs, or is slow, keeps the process alive by the requests to it. */
  const endIfHeldByRequests = () => {
    if (ending || isEndingCalmly) return clearInterval(watch);
    countAgain();
    const isTimeUp = patience.leftMillis <= 0 || lastFlush.leftMillis <= 0;
    if (isFlushed !== false || !isTimeUp) return;
    if (isHeldByConnections(Math.min(processor.stats().inFlight, concurrency), idle)) endCalmly(LAST_MILLIS);
  };
  let watch: NodeJS.Timeout | undefined;
  // Node emits this when nothing of the app is left to run, and again after each flush: handlers of the app, which run
  // after this one, may start more. Logs that come meanwhile must not hide that others arrive.
  process.on('beforeExit', () => {
    if (isOver || ending || isEndingCalmly) return;
    const now = countAgain();
    const isProgress = now.arrived > beforeFlush.arrived || now.acknowledged > beforeFlush.acknowledged;
    if (isFlushed && countLeft() === 0) return endCalmly((PATIENCE - 1) * exitTimeoutMillis);
    if ((isFlushed === false && !isProgress) || lastFlush.leftMillis <= 0) {
      return endCalmly(Math.max(patience.leftMillis, LAST_MILLIS));
    }
    beforeFlush = now;
    isFlushed = undefined;
    idle = activeResources();
    void flush().then((isSent) => {
      isFlushed = isSent;
    });
    watch ??= setInterval(endIfHeldByRequests, WATCH_MILLIS).unref();
  });
}

/** What may keep the process alive, by type. Undefined if that is not known. */
function activeResources(): string[] | undefined {
  return process.getActiveResourcesInfo?.();
}

/**
 * Whether the process has nothing but this number of connections, beside what it has when it is idle. Work of the app
 * has a timer, a file, or one more connection.
 */
function isHeldByConnections(count: number, idle: readonly string[] | undefined): boolean {
  const rest = activeResources();
  if (!rest || !idle) return false;
  for (const type of idle) {
    const index = rest.indexOf(type);
    if (index >= 0) rest.splice(index, 1);
  }
  return rest.length > 0 && rest.length <= count && rest.every((type) => type === 'TCPSocketWrap');
}

/** Node then prints the exception and ends the process as if nobody had listened. */
function throwAgain(error: unknown, origin: unknown): void {
  if (origin === 'unhandledRejection') return void Promise.reject(error);
  setImmediate(() => {
    throw unexplained(error, 'node-do-not-add-exception-line');
  });
}

/**
 * Returns the value. Above an exception Node prints the line of code that threw it, which would now be one of this file.
 * It does not if that line has these words.
 */
function unexplained(value: unknown, _words: string): unknown {
  return value;
}
