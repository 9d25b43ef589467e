/** The table of vocabularies, and how several of them on one span make one reading. */
import type { SpanSlice } from '../otel/span-slice.ts';
import type { Convention, LogKind, Reading, SpanKind } from './convention.ts';
import { kindOfOpenSpan } from './scopes.ts';
import { anthropicSdk } from './vocabularies/anthropic-sdk.ts';
import { claudeCode } from './vocabularies/claude-code.ts';
import { genAi } from './vocabularies/gen-ai/gen-ai.ts';
import { genkit } from './vocabularies/genkit.ts';
import { googleAdk } from './vocabularies/google-adk.ts';
import { haystack } from './vocabularies/haystack.ts';
import { humanloop } from './vocabularies/humanloop.ts';
import { langfuse } from './vocabularies/langfuse/langfuse.ts';
import { langsmith } from './vocabularies/langsmith.ts';
import { liteLlm } from './vocabularies/litellm.ts';
import { logfire } from './vocabularies/logfire.ts';
import { mastra } from './vocabularies/mastra.ts';
import { mlflow } from './vocabularies/mlflow.ts';
import { openInference } from './vocabularies/openinference/openinference.ts';
import { openLit } from './vocabularies/openlit.ts';
import { openLlmetry } from './vocabularies/openllmetry/openllmetry.ts';
import { pydanticAi } from './vocabularies/pydantic-ai.ts';
import { sentry } from './vocabularies/sentry.ts';
import { strands } from './vocabularies/strands.ts';
import { vercelAi } from './vocabularies/vercel-ai/vercel-ai.ts';

/** Most telling vocabulary first: the first that recognises a span decides what it is. */
export const CONVENTIONS: readonly Convention[] = [
  humanloop,
  langfuse,
  openInference,
  vercelAi,
  genkit,
  mastra,
  googleAdk,
  langsmith,
  strands,
  sentry,
  openLit,
  anthropicSdk,
  claudeCode,
  mlflow,
  haystack,
  pydanticAi,
  logfire,
  // Writes some names of OpenLLMetry.
  liteLlm,
  openLlmetry,
  genAi,
];

/** Steps of a framework's own loop are no logs, whatever a second vocabulary takes them for. */
const STEPS: ReadonlySet<unknown> = new Set([
  'agent_step',
  'model_step',
  'model_inference',
  'model_chunk',
  'execute_agent_loop_cycle',
]);

export interface Classified {
  readonly kind: LogKind;
  /** The name of the vocabulary that decided, or `scope` for an open span that is known by its instrumentation only. */
  readonly convention: string;
}

/** What log a span is, open spans too; `undefined` if it is none. A few key look-ups: it runs for every span of the app. */
export function classifySpan(
  span: SpanSlice,
  conventions: readonly Convention[] = CONVENTIONS,
): Classified | undefined {
  for (const convention of conventions) {
    const kind = classify(convention, span);
    if (kind === undefined) continue;
    const isPlumbing =
      kind === 'plumbing' || STEPS.has(span.attributes['gen_ai.operation.name']) || STEPS.has(span.name);
    return isPlumbing ? undefined : { kind, convention: convention.name };
  }
  const kind = kindOfOpenSpan(span);
  return kind === undefined ? undefined : { kind, convention: 'scope' };
}

/** The first vocabulary that recognises the span is believed; the others fill in what it does not say. */
export function readSpan(span: SpanSlice, conventions: readonly Convention[] = CONVENTIONS): Reading {
  let reading: Reading | undefined;
  let decided: SpanKind | undefined;
  let covered: readonly string[] = [];
  for (const convention of conventions) {
    if (covered.includes(convention.name)) continue;
    const kind = classify(convention, span);
    if (kind === undefined) continue;
    const next = read(convention, span);
    if (convention.covers) covered = [...covered, ...convention.covers];
    if (reading === undefined) {
      decided = kind;
      reading = next;
      reading.metadata = { ...next.metadata, convention: convention.name };
    } else {
      fill(reading, kind === decided ? next : withoutUsage(next));
    }
  }
  return flagDropped(span, withoutFiller(reading ?? {}));
}

/** A call that failed has answered nothing, though some vocabularies write `""` for it. */
function withoutFiller(reading: Reading): Reading {
  if (reading.error === undefined || reading.output !== '') return reading;
  const { output: _output, outputMessage, ...rest } = reading;
  return outputMessage?.tool_calls ? { ...rest, outputMessage } : rest;
}

function fill(reading: Reading, from: Reading): void {
  for (const key in from) {
    const field = key as keyof Reading;
    const value = from[field];
    if (value === undefined) continue;
    const present = reading[field];
    if (present === undefined) assign(reading, field, value);
    else if (MERGED.has(field)) assign(reading, field, merged(present as Entries, value as Entries));
  }
}

type Entries = Record<string, unknown>;

/** Copied only where there is something to add: mostly there is nothing. */
function merged(present: Entries, more: Entries): Entries {
  let copy: Entries | undefined;
  for (const key in more) {
    if (present[key] !== undefined) continue;
    copy ??= { ...present };
    copy[key] = more[key];
  }
  return copy ?? present;
}

const MERGED: ReadonlySet<keyof Reading> = new Set(['metadata', 'contentMetadata', 'other']);

function assign<Key extends keyof Reading>(reading: Reading, key: Key, value: unknown): void {
  reading[key] = value as Reading[Key];
}

/** A vocabulary that takes the span for something else counts tokens that are not this log's own. */
function withoutUsage(reading: Reading): Reading {
  const { promptTokens, outputTokens, promptCost, outputCost, ...rest } = reading;
  if (promptTokens === undefined && outputTokens === undefined) return rest;
  const usage = {
    ...(promptTokens !== undefined && { prompt_tokens: promptTokens }),
    ...(outputTokens !== undefined && { output_tokens: outputTokens }),
  };
  return { ...rest, metadata: { usage, ...rest.metadata } };
}

/** Over the attribute count limit an SDK drops what is set last: output, usage, finish reason. */
function flagDropped(span: SpanSlice, reading: Reading): Reading {
  const dropped = span.droppedAttributesCount;
  if (typeof dropped === 'number' && dropped > 0) {
    reading.metadata = { ...reading.metadata, dropped_attributes: dropped };
  }
  return reading;
}

/** Users bring their own conventions, which may throw; a span that cannot be judged is not theirs. */
function classify(convention: Convention, span: SpanSlice): SpanKind | undefined {
  try {
    return convention.classify(span);
  } catch {
    return undefined;
  }
}

function read(convention: Convention, span: SpanSlice): Reading {
  try {
    return convention.read(span);
  } catch {
    return { metadata: { unreadable: convention.name } };
  }
}
