/**
 * The contract of one attribute vocabulary.
 *
 * A convention recognises its spans and reads them into the common `Reading`. It is pure: no clock, no state, no
 * throw, and it never writes to the span. Several conventions may recognise one span; the first in the table decides
 * what kind of log it is, the others fill in what the first did not say.
 */

import type { SpanSlice } from '../otel/span-slice.ts';
import type { ChatMessage, ModelTool } from '../wire/v4.ts';

/** The four config types of a v4 log. */
export type LogKind = 'model' | 'tool' | 'agent' | 'generic';

/** `plumbing`: a span of this vocabulary that is no log of its own (a step, a loop cycle, a raw request). */
export type SpanKind = LogKind | 'plumbing';

export interface Convention {
  /** Stable name, kept in the log's metadata: `openinference`, `vercel-ai`. */
  readonly name: string;
  /** Names of vocabularies that add nothing to its spans: it reads their words itself, since it means something else by them. */
  readonly covers?: readonly string[];
  /**
   * What this span is, or `undefined` if it does not speak this vocabulary. Called for open spans too, which may bear
   * only a part of their attributes, and for every span of the app: it must be cheap and parse nothing.
   */
  classify(span: SpanSlice): SpanKind | undefined;
  /** Everything that this vocabulary says about the span. Absent means not said: never `null`, `''`, `0` as filler. */
  read(span: SpanSlice): Reading;
}

/** What went wrong in a span. `message` is content and may be withheld; `type` and `httpStatus` are structure. */
export interface ReadError {
  readonly message?: string;
  readonly type?: string;
  readonly httpStatus?: number;
}

/** Common reading of one span, whatever its vocabulary. Every field is optional. */
export interface Reading {
  /** The provider's id of the answer: spans of one call, in whatever vocabulary, share it. */
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
  /** Parameters that no v4 config field names: top_k, choice count, reasoning effort … */
  other?: Record<string, unknown>;

  /** Name of the tool, agent, chain or retriever. The span's own name is used where this is absent. */
  name?: string;
  description?: string;
  /** JSON Schema of a tool's arguments. */
  toolParameters?: Record<string, unknown>;

  inputs?: Record<string, unknown>;
  messages?: ChatMessage[];
  outputMessage?: ChatMessage;
  /** Text of the answer. Unset where nothing was captured and for a tool-call-only answer. */
  output?: string;

  promptTokens?: number;
  outputTokens?: number;
  /** US dollars. */
  promptCost?: number;
  /** US dollars. */
  outputCost?: number;
  /** Already normalised: stop, length, tool_calls, content_filter, or the source's own word. */
  finishReason?: string;
  error?: ReadError;

  /** Structure that v4 has no field for: response id and model, cache tokens, time to first token. No content. */
  metadata?: Record<string, unknown>;
  /** Content that v4 has no field for: reasoning text, further choices, what the app attached to the span. */
  contentMetadata?: Record<string, unknown>;
  providerRequest?: Record<string, unknown>;
  providerResponse?: Record<string, unknown>;
}
