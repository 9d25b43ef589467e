/** The table of vocabularies, and how the readings of several vocabularies on one span are merged. */
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

/** Most specific vocabulary first: the first that recognises a span decides its kind. */
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
  // Before OpenLLMetry, some of whose attribute names it writes.
  liteLlm,
  openLlmetry,
  genAi,
];

/** Steps of a framework's own loop are not logs, even if a second vocabulary recognises them. */
const STEPS: ReadonlySet<unknown> = new Set([
  'agent_step',
  'model_step',
  'model_inference',
  'model_chunk',
  'execute_agent_loop_cycle',
]);

export interface Classified {
  readonly kind: LogKind;
  /** Name of the vocabulary that decided; `scope` for an open span recognised by its instrumentation scope only. */
  readonly convention: string;
}

/**
 * Returns the kind of log that a span, open or ended, becomes; undefined if it is not a log. It costs a few key
 * look-ups, since it runs for every span of the app.
 */
export function classifySpan(
  span: SpanSlice,
  conventions: readonly Convention[] = CONVENTIONS,
): Classified | undefined {
  for (const convention of conventions) {
    const kind = classifySafely(convention, span);
    if (kind === undefined) continue;
    const isPlumbing =
      kind === 'plumbing' || STEPS.has(span.attributes['gen_ai.operation.name']) || STEPS.has(span.name);
    return isPlumbing ? undefined : { kind, convention: convention.name };
  }
  const kind = kindOfOpenSpan(span);
  return kind === undefined ? undefined : { kind, convention: 'scope' };
}

/**
 * Merges the readings of all vocabularies that recognise the span. The first wins; the others fill in what it lacks.
 */
export function readSpan(span: SpanSlice, conventions: readonly Convention[] = CONVENTIONS): Reading {
  let reading: Reading | undefined;
  let decided: SpanKind | undefined;
  let covered: readonly string[] = [];
  for (const convention of conventions) {
    if (covered.includes(convention.name)) continue;
    const kind = classifySafely(convention, span);
    if (kind === undefined) continue;
    const next = readSafely(convention, span);
    if (convention.covers) covered = [...covered, ...convention.covers];
    if (reading === undefined) {
      decided = kind;
      reading = next;
      reading.metadata = { ...next.metadata, convention: convention.name };
    } else {
      fillIn(reading, kind === decided ? next : usageAsMetadata(next));
    }
  }
  return flagDropped(span, withoutFiller(reading ?? {}));
}

/** A failed call has no answer, though some vocabularies write `""` for it. */
function withoutFiller(reading: Reading): Reading {
  if (reading.error === undefined || reading.output !== '') return reading;
  const { output: _output, outputMessage, ...rest } = reading;
  return outputMessage?.tool_calls ? { ...rest, outputMessage } : rest;
}

function fillIn(reading: Reading, from: Reading): void {
  for (const key in from) {
    const field = key as keyof Reading;
    const value = from[field];
    if (value === undefined) continue;
    const present = reading[field];
    if (present === undefined) assign(reading, field, value);
    else if (MERGED.has(field)) assign(reading, field, mergeEntries(present as Entries, value as Entries));
  }
}

type Entries = Record<string, unknown>;

/** Copies only if there is something to add, which is rare. */
function mergeEntries(present: Entries, more: Entries): Entries {
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

/** A vocabulary that takes the span for another kind may count other calls' tokens too: they go to the metadata. */
function usageAsMetadata(reading: Reading): Reading {
  const { promptTokens, outputTokens, promptCost, outputCost, ...rest } = reading;
  if (promptTokens === undefined && outputTokens === undefined) return rest;
  const usage = {
    ...(promptTokens !== undefined && { prompt_tokens: promptTokens }),
    ...(outputTokens !== undefined && { output_tokens: outputTokens }),
  };
  return { ...rest, metadata: { usage, ...rest.metadata } };
}

/** Beyond its attribute limit an SDK drops what is set last: output, usage, finish reason. */
function flagDropped(span: SpanSlice, reading: Reading): Reading {
  const dropped = span.droppedAttributesCount;
  if (typeof dropped === 'number' && dropped > 0) {
    reading.metadata = { ...reading.metadata, dropped_attributes: dropped };
  }
  return reading;
}

/** A convention of the app may throw; then the span counts as not recognised. */
function classifySafely(convention: Convention, span: SpanSlice): SpanKind | undefined {
  try {
    return convention.classify(span);
  } catch {
    return undefined;
  }
}

function readSafely(convention: Convention, span: SpanSlice): Reading {
  try {
    return convention.read(span);
  } catch {
    return { metadata: { unreadable: convention.name } };
  }
}
