/**
 * The propagator. A request to another service carries the id of the log that it is below, so that the logs of that
 * service hang under it: one tree over several services.
 */
import {
  type Context,
  isSpanContextValid,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { optionError } from '../errors.ts';
import { guard } from '../host/guard.ts';
import { TRACE_STATE_HEADER, writeAncestor } from '../otel/ancestor-member.ts';
import { answerProbe } from '../otel/propagator-probe.ts';
import { BAGGAGE_HEADER, writeSession } from '../otel/session-baggage.ts';
import { isTracingSuppressed } from '../otel/suppress-tracing.ts';
import type { HumanloopSpanProcessor } from './span-processor.ts';

/**
 * Adds a member to the `tracestate` of requests, which the processors and exporters of other services read.
 *
 * It is a `TextMapPropagator` and comes after those of W3C Trace Context and W3C Baggage in a `CompositePropagator`, since
 * it writes their headers again. Its methods never throw.
 */
export class HumanloopPropagator implements TextMapPropagator {
  readonly #processor: HumanloopSpanProcessor;

  /**
   * `processor` knows the spans that requests are sent in. An exporter does not: it sees spans when they have ended.
   *
   * @throws {HumanloopError} if it is not a `HumanloopSpanProcessor`.
   */
  constructor(processor: HumanloopSpanProcessor) {
    // Not `instanceof`: a process may have the package as an ES module and as CommonJS.
    if (typeof processor?.passOn !== 'function') {
      throw optionError('processor', 'a HumanloopSpanProcessor', processor, 'argument');
    }
    this.#processor = processor;
  }

  /** Without a log above the active span, what came from upstream is passed on as the other propagators do it. */
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    guard(() => this.#inject(context, carrier, setter));
  }

  /** Returns the context as it is: SDKs keep `tracestate` with each span. */
  extract(context: Context): Context {
    return context;
  }

  fields(): string[] {
    return [TRACE_STATE_HEADER, BAGGAGE_HEADER];
  }

  #inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    if (answerProbe(context)) return;
    const spanContext = trace.getSpanContext(context);
    if (!spanContext || isTracingSuppressed(context) || !isSpanContextValid(spanContext)) return;
    const { ancestor, session } = this.#processor.passOn(spanContext);
    if (ancestor !== undefined) {
      setter.set(carrier, TRACE_STATE_HEADER, writeAncestor(ancestor, spanContext.traceState));
    }
    const baggage = session === undefined ? undefined : writeSession(session, context);
    if (baggage !== undefined) setter.set(carrier, BAGGAGE_HEADER, baggage);
  }
}
