/**
 * Joins GenAI content in log events to the span that they name.
 *
 * Some instrumentations (`@opentelemetry/instrumentation-openai` is one) put prompts and answers into log records,
 * which span processors do not see. Events that arrive before their span's log is sent go into the log. The output of a
 * later event is sent as an update.
 */
import type { SpanContext } from '@opentelemetry/api';
import { isContentRecord } from '../otel/content-records.ts';
import type { Attributes, HrTime } from '../otel/span-slice.ts';
import type { HumanloopSpanProcessor } from './span-processor.ts';

/** The part of an SDK log record that is read. */
export interface LogRecordSlice {
  readonly spanContext?: SpanContext | undefined;
  /** Set by newer SDKs; older instrumentations set the attribute `event.name`. */
  readonly eventName?: string | undefined;
  readonly attributes?: Attributes | undefined;
  readonly body?: unknown;
  readonly hrTime?: HrTime | undefined;
}

/** A `LogRecordProcessor` of `@opentelemetry/sdk-logs`. Its methods never throw. */
export class HumanloopLogRecordProcessor {
  readonly #spanProcessor: HumanloopSpanProcessor;

  constructor(spanProcessor: HumanloopSpanProcessor) {
    this.#spanProcessor = spanProcessor;
  }

  onEmit({ spanContext, eventName, attributes = {}, body, hrTime }: LogRecordSlice): void {
    // LiteLLM has its own name for it.
    const name = eventName ?? attributes['event.name'] ?? attributes['event_name'];
    if (typeof name !== 'string' || !isContentRecord(name, body)) return;
    this.#spanProcessor.addEvent(spanContext, {
      name,
      attributes: body === undefined ? { ...attributes } : { ...attributes, body },
      ...(hrTime && { time: hrTime }),
    });
  }

  /** Does nothing: the span processor flushes the content that came through here. */
  async forceFlush(): Promise<void> {}

  /** Does nothing: shut the span processor down. */
  async shutdown(): Promise<void> {}
}
