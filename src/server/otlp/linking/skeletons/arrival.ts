/** What has come of a trace with one request, read and not yet linked. */
import type { LogKind, Reading } from '../../../../conventions/convention.ts';
import type { DatapointSettings, DatapointSpan } from '../../../../datapoint/to-datapoint.ts';
import type { SpanEvent } from '../../../../otel/span-slice.ts';
import type { Feedback } from '../../../../wire/v4.ts';
import type { CallNames, CallSummary, Elsewhere } from './skeleton.ts';

/** An ended span. */
export interface Arrival {
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly isRemoteParent: boolean;
  /** The span that `tracestate` names as the nearest log above, in another process. */
  readonly upstreamId: string | undefined;
  /** Unix milliseconds with fractions; 0 if the start is not a time. */
  readonly startMillis: number;
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly tags: readonly string[] | undefined;
  /** Absent if the span is not a log. */
  readonly log: ArrivedLog | undefined;
}

export interface ArrivedLog {
  readonly span: DatapointSpan;
  readonly kind: LogKind;
  readonly reading: Reading;
  readonly summary: CallSummary;
  readonly settings: DatapointSettings;
  /** Of a call of a model that has a start and an end: by what spans of other traces find it. */
  readonly names: CallNames | undefined;
}

/** Content of a span that came as a log event. */
export interface ArrivedEvent {
  readonly spanId: string;
  readonly event: SpanEvent;
}

/** A judgement of what a span did. */
export interface Judgement {
  readonly spanId: string;
  /** Hash of the provider's id of the answer that was judged, if the source names it. */
  readonly callId: string | undefined;
  readonly feedback: readonly Feedback[];
}

/** A judgement that waited for its call, which is known now. */
export interface Delivery {
  /** The span that the judgement names besides the call. */
  readonly spanId: string;
  readonly callId: string;
  /** Reference id of the call's log. */
  readonly referenceId: string;
}

export interface Arrivals {
  readonly spans: readonly Arrival[];
  readonly events: readonly ArrivedEvent[];
  readonly judgements: readonly Judgement[];
  /** Whether logs may have come by another way that name any span of the trace as their parent. */
  readonly hasStrangers?: boolean;
  /** What is known now of spans of other traces that report the same calls, by span id. */
  readonly elsewhere?: ReadonlyMap<string, Elsewhere | undefined>;
  readonly deliveries?: readonly Delivery[];
  /** All spans that come of the trace with the same request, if these are the first of them. */
  readonly ofRequest?: readonly Arrival[];
  /** Whether others come of the trace with the same request, after these. */
  readonly isContinued?: boolean;
}
