/**
 * Which tokens the calls of a trace have used, read from raw attributes by none of this package's readers: a span that
 * states usage and has no span below it that does is a call; two of different instrumentations with the same answer
 * length are one. A call below which an agent runs is a call too: it is the one that handed over to that agent.
 */
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import type { Recording } from '../../conventions/recordings.ts';

export interface Usage {
  readonly prompt: number;
  readonly output: number;
}

const PROMPT_KEYS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'gen_ai.response.prompt_tokens',
  'gen_ai.response.input_tokens',
  'ai.usage.inputTokens',
  'ai.usage.promptTokens',
  'ai.usage.tokens',
  'llm.token_count.prompt',
  'llm.usage.prompt_tokens',
  'usage.prompt_tokens',
  'braintrust.metrics.prompt_tokens',
  'input_tokens',
  'openai.usage.prompt_tokens',
  'neatlogs.llm.token_count.prompt',
  'tfy.model.metric.input_tokens',
  'confident.llm.input_token_count',
];
const OUTPUT_KEYS = [
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'gen_ai.response.completion_tokens',
  'gen_ai.response.output_tokens',
  'ai.usage.outputTokens',
  'ai.usage.completionTokens',
  'llm.token_count.completion',
  'llm.usage.completion_tokens',
  'usage.completion_tokens',
  'braintrust.metrics.completion_tokens',
  'output_tokens',
  'openai.usage.completion_tokens',
  'neatlogs.llm.token_count.completion',
  'tfy.model.metric.output_tokens',
  'confident.llm.output_token_count',
];
/**
 * JSON that holds counts, and their names in it. Langfuse counts cached and reasoning tokens apart:
 * `input_cached_tokens`.
 */
const JSON_KEYS = [
  'langfuse.observation.usage_details',
  'genkit:output',
  'haystack.component.output',
  'gen_ai.completion',
  'braintrust.metrics',
  'braintrust.output_json',
  'lmnr.span.output',
  'langwatch.metrics',
  'mlflow.spanOutputs',
  'mlflow.chat.tokenUsage',
  'langsmith.usage_metadata',
  'llm.token.counts',
  'ai.response.usage',
  'ai.usage',
];
const PROMPT_WORD =
  /["'](?:input|input_tokens|input_cached_tokens|input_cache_read|input_cache_creation_5m|input_cache_creation_1h|inputTokens|inputTokenCount|inputTextTokenCount|input_token_count|prompt_eval_count|prompt_tokens|promptTokens|promptTokenCount|prompt_token_count)\\?["']: ?(?:\{"total":)?"?(\d+)|\bprompt_tokens=(\d+)/g;
const OUTPUT_WORD =
  /["'](?:output|output_tokens|output_reasoning_tokens|output_reasoning|outputTokens|outputTokenCount|tokenCount|generation_token_count|generated_token_count|eval_count|completion_tokens|completionTokens|candidatesTokenCount|candidates_token_count)\\?["']: ?(?:\{"total":)?"?(\d+)|\bcompletion_tokens=(\d+)/g;
const STREAM_KEYS = ['langfuse.observation.output', 'braintrust.output', 'output.value', 'gen_ai.completion'];
const STREAM =
  /^(?:\[\{|(?:: [\w-]+\s+)?(?:event: \S+\n)?data: ).*"(?:message_start|messageStart|response\.created|chat\.completion\.chunk)"|^\[?\{.*"done": ?false/;

interface Stated {
  readonly span: SpanSlice;
  readonly usage: Usage;
}

/** `keys` are those of a recording's own. */
export function usedTokens(spans: readonly SpanSlice[], keys: Recording['$tokenKeys']): Usage {
  const stated = spans.flatMap((span) => statedBy(span, keys ?? { prompt: [], output: [] }) ?? []);
  const above = new Set(stated.flatMap(({ span }) => tellingOf(ancestors(span, spans))));
  const calls: Stated[] = [];
  for (const call of stated) {
    if (above.has(call.span) || calls.some((other) => isSameCall(call, other))) continue;
    calls.push(call);
  }
  return {
    prompt: calls.reduce((sum, { usage }) => sum + usage.prompt, 0),
    output: calls.reduce((sum, { usage }) => sum + usage.output, 0),
  };
}

function statedBy(span: SpanSlice, own: NonNullable<Recording['$tokenKeys']>): Stated | undefined {
  // Envoy's gateway, of a request that only counts.
  if (span.name === 'CountTokens') return undefined;
  const raw = countsInRawAnswer(span) ?? countsInStream(span);
  const output = firstCount(span, own.output, OUTPUT_KEYS) ?? countInJson(span, OUTPUT_WORD) ?? raw?.output;
  const prompt =
    firstCount(span, own.prompt, PROMPT_KEYS) ??
    promptByTotal(span, output) ??
    countInJson(span, PROMPT_WORD) ??
    raw?.prompt;
  if (prompt === undefined && output === undefined) return undefined;
  return { span, usage: { prompt: prompt ?? 0, output: output ?? 0 } };
}

/** Langfuse's parts may include each other; its total never does. */
function promptByTotal({ attributes }: SpanSlice, output: number | undefined): number | undefined {
  const total = /"total":\s*(\d+)/.exec(String(attributes[JSON_KEYS[0]!] ?? ''))?.[1];
  return total === undefined || output === undefined ? undefined : Number(total) - output;
}

/** A negative count says that it is not known. A recording's own keys may also be those of an event. */
function firstCount(
  { attributes, events }: SpanSlice,
  own: readonly string[],
  keys: readonly string[],
): number | undefined {
  const found = own.flatMap((key) => events.map((event) => event.attributes?.[key]));
  for (const key of [...own, ...keys]) found.push(attributes[key]);
  return found.map((count) => Number(count ?? Number.NaN)).find((count) => count >= 0);
}

function countInJson({ attributes }: SpanSlice, word: RegExp): number | undefined {
  for (const key of JSON_KEYS) {
    const found = [...String(attributes[key] ?? '').matchAll(word)].map(([, count, printed]) =>
      Number(count ?? printed),
    );
    // Frameworks repeat the provider's answer beside their own.
    if (found.length > 0) return key === JSON_KEYS[0] ? found.reduce((sum, count) => sum + count) : found[0];
  }
  return undefined;
}

/** Of Ollama, Cohere and Bedrock, on a span that says nothing but the body of the answer. */
function countsInRawAnswer({ attributes }: SpanSlice): Usage | undefined {
  if (attributes['openinference.span.kind'] !== 'LLM' || firstKeyOf(attributes, 'llm.output_messages.'))
    return undefined;
  const body = /^\{/.test(String(attributes['output.value'])) ? JSON.parse(String(attributes['output.value'])) : {};
  // Of a realtime turn, and of Haystack's replies.
  const told = body.response ?? body.replies?.[0]?.meta ?? body.replies?.[0]?._meta ?? body.meta?.[0] ?? body;
  const counts = told.usage?.tokens ?? told.usage ?? told;
  const prompt = counts.input_tokens ?? counts.inputTokens ?? counts.prompt_tokens ?? counts.prompt_eval_count;
  return prompt === undefined
    ? undefined
    : { prompt, output: counts.output_tokens ?? counts.outputTokens ?? counts.completion_tokens ?? counts.eval_count };
}

/** Of a call whose answer was recorded as the events of its stream: the last counts are those of the whole. */
function countsInStream({ attributes }: SpanSlice): Usage | undefined {
  const text = STREAM_KEYS.map((key) => String(attributes[key] ?? '')).find((value) => STREAM.test(value)) ?? '';
  const lastOf = (word: RegExp) => Number([...text.matchAll(word)].at(-1)?.[1] ?? Number.NaN);
  const prompt = lastOf(/"(?:input_tokens|inputTokens|prompt_tokens|prompt_eval_count)": ?(\d+)/g);
  const output = lastOf(/"(?:output_tokens|outputTokens|completion_tokens|eval_count)": ?(\d+)/g);
  return Number.isNaN(prompt) || Number.isNaN(output) ? undefined : { prompt, output };
}

function firstKeyOf(attributes: object, beginning: string): string | undefined {
  return Object.keys(attributes).find((key) => key.startsWith(beginning));
}

function isSameCall(call: Stated, other: Stated): boolean {
  return (
    call.span.spanContext().traceId === other.span.spanContext().traceId &&
    call.span.instrumentationScope?.name !== other.span.instrumentationScope?.name &&
    call.usage.output === other.usage.output
  );
}

/** Returns the spans above a call that may report the same call, nearest first. */
function tellingOf(path: readonly SpanSlice[]): SpanSlice[] {
  const agent = path.findIndex((span) => span.attributes['gen_ai.operation.name'] === 'invoke_agent');
  return path.filter((span, at) => {
    const isCall = span.name === 'call_llm' || span.attributes['gen_ai.operation.name'] === 'chat';
    return !(isCall && agent >= 0 && at > agent);
  });
}

function ancestors(span: SpanSlice, spans: readonly SpanSlice[]): SpanSlice[] {
  const { traceId } = span.spanContext();
  const path: SpanSlice[] = [];
  let parentId = span.parentSpanContext?.spanId;
  while (parentId !== undefined && path.length < 100) {
    const parent = spans.find(
      (each) => each.spanContext().spanId === parentId && each.spanContext().traceId === traceId,
    );
    if (parent) path.push(parent);
    parentId = parent?.parentSpanContext?.spanId;
  }
  return path;
}
