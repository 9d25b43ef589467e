/**
 * Joins GenAI content that comes in log events to the span that they name.
 *
 * Some instrumentations (`@opentelemetry/instrumentation-openai` among them) put prompts and answers into log records,
 * which no span processor sees. Events that come while their span is held go into its log; later ones can still bring
 * the output, by update.
 */
import type { SpanContext } from '@opentelemetry/api';
import type { Attributes, HrTime } from '../otel/span-slice.ts';
import type { HumanloopSpanProcessor } from './span-processor.ts';

/** The slice of an SDK log record that is read. */
export interface LogRecordSlice {
  readonly spanContext?: SpanContext | undefined;
  /** Newer SDKs; older instrumentations set the attribute `event.name`. */
  readonly eventName?: string | undefined;
  readonly attributes?: Attributes | undefined;
  readonly body?: unknown;
  readonly hrTime?: HrTime | undefined;
}

/** Fits the `LogRecordProcessor` interface of `@opentelemetry/sdk-logs`. Its methods never throw. */
export class HumanloopLogRecordProcessor {
  readonly #spanProcessor: HumanloopSpanProcessor;

  constructor(spanProcessor: HumanloopSpanProcessor) {
    this.#spanProcessor = spanProcessor;
  }

  onEmit({ spanContext, eventName, attributes = {}, body, hrTime }: LogRecordSlice): void {
    const name = eventName ?? attributes['event.name'];
    if (!spanContext || typeof name !== 'string' || !name.startsWith('gen_ai.')) return;
    this.#spanProcessor.addEvent(spanContext, {
      name,
      attributes: body === undefined ? { ...attributes } : { ...attributes, body },
      ...(hrTime && { time: hrTime }),
    });
  }

  /** The span processor holds and flushes what came through here. */
  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
