/** What the decoders hand to the intake, and the contract of the intake. */

import type { Attributes, HrTime, InstrumentationScope, ResourceSlice, SpanSlice } from '../../../otel/span-slice.ts';
import type { LogRequest } from '../../../wire/v4.ts';

/** A span that has ended, in the form that the vocabularies read. */
export interface ReceivedSpan {
  readonly slice: SpanSlice;
  /** From the request's header or the span's resource. */
  readonly projectName?: string;
}

/** A log record. */
export interface ReceivedEvent {
  /** 32 hex digits in lower case; absent where the record names no trace. */
  readonly traceId?: string;
  /** 16 hex digits in lower case; absent where the record names no span. */
  readonly spanId?: string;
  readonly eventName?: string;
  readonly body: unknown;
  readonly attributes: Attributes;
  /** When it happened, else when it was observed. */
  readonly time: HrTime;
  readonly scope: InstrumentationScope;
  readonly resource: ResourceSlice;
  /** As of `ReceivedSpan`. */
  readonly projectName?: string;
}

export interface IntakeResult {
  /** Spans or events that cannot be used. */
  readonly rejected: number;
  /** Events that are about nothing that a log has, as most of an app's are; absent if there were none. */
  readonly unused?: number;
  /** Why; absent if all were used. */
  readonly message?: string;
}

export interface OtlpIntake {
  /** Resolves when all is committed. Rejects with the errors of the store. */
  takeSpans(spans: readonly ReceivedSpan[]): Promise<IntakeResult>;
  /** Resolves when all is committed. Rejects with the errors of the store. */
  takeEvents(events: readonly ReceivedEvent[]): Promise<IntakeResult>;
}

/** Logs that came by the v4 API, and may be below spans that came by OTLP. */
export interface LogPlacing {
  /**
   * Resolves to the requests to store: logs at the top that say of which span in another process they are below name it as
   * their parent, if spans come by OTLP.
   */
  nameParents(requests: readonly LogRequest[]): Promise<readonly LogRequest[]>;
  /** Hangs them under the nearest log above a span that they name as their parent and that is no log. */
  placeLogs(requests: readonly LogRequest[]): Promise<void>;
}
