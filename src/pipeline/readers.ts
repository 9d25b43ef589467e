/**
 * The readers of spans: the vocabularies, and what makes datapoints of what they read. They are most of the package's
 * code, and the files that run in Node load them when they are first used (`scripts/node-modules.ts`): in the turn that
 * looks at the first span, since set-up starts no timer. Where they come with the rest, nothing happens here.
 */
import { CONVENTIONS } from '../conventions/index.ts';
import type { Drops } from '../delivery/drops.ts';
import { guard } from '../host/guard.ts';
import { mustLoadEarly } from '../host/late-loads.ts';
import { warnAloud } from '../host/stderr.ts';
import type { SpanCounts } from '../telemetry/span-counts.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import { ENDED, type Notes } from './intake.ts';

/** Loads the readers where no file can be loaded later. */
export function loadReadersEarly(isQuiet: boolean): void {
  if (mustLoadEarly()) loadReaders(isQuiet);
}

/** Returns false, and says why, if they cannot be loaded, as when the package is replaced while the app runs. */
export function loadReaders(isQuiet: boolean): boolean {
  try {
    return CONVENTIONS.length > 0;
  } catch (error) {
    // A hook on `require` may throw anything.
    const [reason] = String(error).split('\n');
    const remedy = 'restart the app if the package was replaced';
    warnAloud('readers', `no span is logged until a file can be loaded (${remedy}): ${reason}`, isQuiet);
    return false;
  }
}

/** Counts the spans that have ended as dropped. Which of them are logs, only the readers know. */
export function dropUnread({ spans, events }: Notes, drops: Drops, counts: SpanCounts): void {
  for (const [at, span] of spans.entries()) {
    if (events[at] !== ENDED) continue;
    guard(() => {
      const { traceId, spanId } = span.spanContext();
      drops.add('readers_missing', referenceIdOf(traceId, spanId));
      counts.failUnsent('readers_missing');
    });
  }
}
