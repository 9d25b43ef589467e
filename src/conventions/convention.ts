/**
 * The contract of one attribute vocabulary.
 *
 * A convention recognises its spans and reads them into the common `Reading`. It has no clock and no state, never
 * throws and never writes to the span. Several conventions may recognise one span: the first in the table decides what
 * kind of log it is, and the others fill in the fields that it leaves out.
 */

import type { SpanSlice } from '../otel/span-slice.ts';
import type { ChatMessage, ModelTool } from '../wire/v4.ts';
import type { ShortWay } from './short-way.ts';
import type { SpanFields } from './values/span-fields.ts';

/** The four config types of a v4 log. */
export type LogKind = 'model' | 'tool' | 'agent' | 'generic';

/** `plumbing`: a span of this vocabulary that is not a log (a step, a loop cycle, a raw request). */
export type SpanKind = LogKind | 'plumbing';

/**
 * What the spans of a vocabulary are known by: if `classify` recognises a span, the span has at least one of these. A
 * span may have a sign without being recognised.
 */
export interface Signs {
  /** Keys of attributes. */
  readonly keys?: readonly string[];
  /** Beginnings of keys. */
  readonly prefixes?: readonly string[];
  /** Beginnings of the names of instrumentation scopes. */
  readonly scopes?: readonly string[];
  /** Beginnings of span names. */
  readonly names?: readonly string[];
}

/** Keys of attributes that hold for a whole trace, those that win over others first. Any span of the trace may have them. */
export interface ContextKeys {
  readonly session?: readonly string[];
  readonly user?: readonly string[];
  /** A list, its JSON, or words joined with commas. */
  readonly tags?: readonly string[];
  /** They may also be on the resource. */
  readonly environment?: readonly string[];
}

export interface Convention {
  /** Stable name, written to the log's metadata: `openinference`, `vercel-ai`. */
  readonly name: string;
  /** What writes this vocabulary. The documents name it, so each of the table has one. */
  readonly title?: string;
  /** The packages that write it, of those whose spans are among the recordings. */
  readonly packages?: readonly string[];
  /** Only for vocabularies of this package. */
  readonly context?: ContextKeys;
  /**
   * `classify` is called only for spans that have one of these signs. Most spans of an app have none and cost nothing
   * more. A convention without `signs` is asked about every span.
   */
  readonly signs?: Signs;
  /** Vocabularies to skip on spans this one recognises: it reads their attributes itself, with another meaning. */
  readonly covers?: readonly string[];
  /**
   * Whether this vocabulary only adds to spans that another one before it recognises. Then it never decides what a span
   * is, and `read` is given the kind that the other one decided on.
   */
  readonly isAddition?: boolean;
  /**
   * Returns the kind of the span, or undefined if it does not use this vocabulary. It must be cheap and parse nothing.
   * An open span may have only some of its attributes yet.
   */
  classify(span: SpanSlice): SpanKind | undefined;
  /**
   * Returns all that this vocabulary says about the span. A field not said is absent or undefined: never `null`, `''`
   * or `0`. `kind` is what `classify` returned, and `fields` looks up the attributes of the span.
   */
  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading;
  /**
   * Whether a generic span that no other vocabulary recognises is certainly a step around calls, and has no tokens of its
   * own, as an embedding has. Without this method, any generic span may be a call.
   */
  isStep?(span: SpanSlice): boolean;
  /**
   * Says the same as `read`, or nothing, at a fraction of the cost. Only for what profiles show to be needed, and only
   * for vocabularies of this package.
   */
  readonly shortWay?: ShortWay;
}

/** Why a span failed. `message` is content and may be withheld; `type` and `httpStatus` are structure. */
export interface ReadError {
  readonly message?: string;
  readonly type?: string;
  readonly httpStatus?: number;
}

/** A judgement of what a span did. At least one of score, label, explanation and error is there. */
export interface Evaluation {
  /** The criterion: `relevance`. */
  readonly name: string;
  readonly score?: number;
  readonly label?: string;
  /** Content. */
  readonly explanation?: string;
  /** Type of the error that kept the evaluator from a result. */
  readonly error?: string;
  /** Who judged. */
  readonly user?: string;
  /** Unix milliseconds. */
  readonly atMillis?: number;
  /** The provider's id of the answer that was judged, if the source names it. */
  readonly callId?: string;
  /** The span that was judged, if the source names it. */
  readonly target?: { readonly traceId: string; readonly spanId: string };
}

/** What one span says, in the same fields for every vocabulary. All of them are optional. */
export interface Reading {
  /** The provider's id of the answer. Spans that report the same call share it, whatever their vocabulary. */
  callId?: string;
  /** Model name as requested. */
  model?: string;
  /** Provider as the instrumentation names it, not yet normalised to the v4 enum. */
  provider?: string;
  endpoint?: 'chat' | 'complete';
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  seed?: number;
  stop?: string | string[];
  responseFormat?: { type: 'json_object' | 'json_schema'; json_schema?: Record<string, unknown> };
  tools?: ModelTool[];
  promptTemplate?: string;
  chatTemplate?: ChatMessage[];
  /** Parameters without a v4 config field: top_k, choice count, reasoning effort … */
  other?: Record<string, unknown>;

  /** Name of the tool, agent, chain or retriever. Without it the span's own name is used. */
  name?: string;
  description?: string;
  /** JSON Schema of a tool's arguments. */
  toolParameters?: Record<string, unknown>;

  inputs?: Record<string, unknown>;
  messages?: ChatMessage[];
  outputMessage?: ChatMessage;
  /**
   * Text of the answer. Absent if it was not captured or consists of tool calls only. Vectors are left out: they are
   * large and nobody reads them.
   */
  output?: string;

  promptTokens?: number;
  outputTokens?: number;
  /** US dollars. */
  promptCost?: number;
  /** US dollars. */
  outputCost?: number;
  /** `stop`, `length`, `tool_calls` or `content_filter`; else the source's own word. */
  finishReason?: string;
  error?: ReadError;
  /** In the order in which they stand on the span. */
  evaluations?: Evaluation[];

  /** Structure without a v4 field: response id and model, cache tokens, time to first token. Never content. */
  metadata?: Record<string, unknown>;
  /** Content without a v4 field: reasoning text, further choices, what the app attached to the span. */
  contentMetadata?: Record<string, unknown>;
  providerRequest?: Record<string, unknown>;
  providerResponse?: Record<string, unknown>;
}
