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
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { Deadline, keepingAlive } from '../scheduling/deadline.ts';
import { say } from './announce.ts';
import { listenForEnding } from './ending-events.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];
/** A process that ends by itself is not urged to. It waits this many times as long for a server that is silent. */
const PATIENCE = 5;

export function sendLastLogs(
  processor: HumanloopSpanProcessor,
  {
    exitTimeoutMillis,
    flushTimeoutMillis,
    spool,
  }: Pick<ResolvedOptions, 'exitTimeoutMillis' | 'flushTimeoutMillis' | 'spool'>,
): void {
  /** Everything is done: the process may end. */
  let isOver = false;
  let ending: Promise<void> | undefined;

  const countLeft = () => {
    const { held, queued } = processor.stats();
    return held + queued;
  };
  const sayIfLost = (why: string) => {
    const count = countLeft();
    if (count > 0 && !spool) say(`up to ${count} ${count === 1 ? 'log is' : 'logs are'} lost: ${why}`);
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
      if (!isSent) sayIfLost(`the process ends, and they were not sent within ${exitTimeoutMillis} ms`);
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
  const endCalmly = () => {
    isEndingCalmly = true;
    const timeoutMillis = (PATIENCE - 1) * exitTimeoutMillis;
    // It keeps to the time, and says itself what is lost.
    void processor.shutdown({ timeoutMillis }).then(() => {
      isOver = true;
    });
  };
  let isFlushed = false;
  let lastFlush: Deadline | undefined;
  // Node emits this again after each flush. Handlers of the app, which run after this one, may make more logs each time.
  process.on('beforeExit', () => {
    if (isOver || ending || isEndingCalmly) return;
    lastFlush ??= new Deadline(flushTimeoutMillis);
    const left = countLeft();
    if (isFlushed && left === 0) return endCalmly();
    void flush().then((isSent) => {
      isFlushed = isSent;
      // As long as logs arrive, a slow server is waited for. One that hangs keeps the process alive by its request.
      const isGivenUp = !isSent && (countLeft() >= left || (lastFlush?.leftMillis ?? 0) <= 0);
      if (isGivenUp) endCalmly();
    });
  });
  process.on('exit', () => {
    if (!isOver)
      sayIfLost('process.exit() does not wait until they are sent; await forceFlush() before, or set a spool');
  });
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
