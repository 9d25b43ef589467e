/**
 * Passes what `register` sees on to a processor that the app has in its own provider. Instrumentations of both may wrap
 * the same client; only a processor that sees the spans of both finds out that they report one call.
 */
import type { SpanSlice } from '../otel/span-slice.ts';
import type { Stats } from '../pipeline/stats.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';

/** The public methods. */
type Methods = Pick<HumanloopSpanProcessor, keyof HumanloopSpanProcessor>;

/**
 * From now on `from` is a way to both: what starts goes to `to`, what had started before stays, and a flush, the end and
 * the statistics are of both. When the app has shut `to` down, what starts stays with `from` again.
 */
export function passOnTo(to: HumanloopSpanProcessor, from: HumanloopSpanProcessor): void {
  const [target, source] = [methodsOf(to), methodsOf(from)];
  const passedOn = new WeakSet<SpanSlice>();
  let shutdown: Promise<void> | undefined;
  to.shutdown = (limit) => {
    shutdown ??= target.shutdown(limit);
    return shutdown;
  };
  const receiver = () => (shutdown ? source : target);
  const methods: Methods = {
    onStart: (span, context) => {
      if (!shutdown) passedOn.add(span);
      receiver().onStart(span, context);
    },
    onEnd: (span) => (passedOn.has(span) ? target : source).onEnd(span),
    update: (...args) => receiver().update(...args),
    addEvent: (...args) => receiver().addEvent(...args),
    passOn: (span) => receiver().passOn(span),
    forceFlush: async (limit) => {
      await Promise.all([source.forceFlush(limit), shutdown ?? target.forceFlush(limit)]);
    },
    shutdown: async (limit) => {
      await Promise.all([source.shutdown(limit), to.shutdown(limit)]);
    },
    stats: () => sum(source.stats(), target.stats()),
  };
  Object.assign(from, methods);
}

function methodsOf(processor: HumanloopSpanProcessor): Methods {
  return {
    onStart: processor.onStart.bind(processor),
    onEnd: processor.onEnd.bind(processor),
    update: processor.update.bind(processor),
    addEvent: processor.addEvent.bind(processor),
    passOn: processor.passOn.bind(processor),
    forceFlush: processor.forceFlush.bind(processor),
    shutdown: processor.shutdown.bind(processor),
    stats: processor.stats.bind(processor),
  };
}

function sum(one: Stats, other: Stats): Stats {
  const dropped: Record<string, number> = { ...one.dropped };
  for (const [reason, count] of Object.entries(other.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  return {
    held: one.held + other.held,
    queued: one.queued + other.queued,
    inFlight: one.inFlight + other.inFlight,
    logged: one.logged + other.logged,
    updated: one.updated + other.updated,
    spooled: one.spooled + other.spooled,
    retried: one.retried + other.retried,
    dropped,
  };
}
