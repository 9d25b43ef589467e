/**
 * OpenInference: every span has its kind in `openinference.span.kind`. JavaScript instrumentations set all attributes
 * at the end.
 *
 * Lists are flattened into keys, so the attribute limit of a span (128) cuts long chats; the request in `input.value`
 * is still complete. `input.value` and `output.value` are the raw bodies on LLM spans, inputs and output on all others.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { readError } from '../../content/read-error.ts';
import { ownUsage, UsageTable, usageDetails, usageSums, withUsageOfBody } from '../../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import { addTo, stringOf } from '../../values/attributes.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import { constantOf } from '../../values/printed/enum-member.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { vercelAi } from '../vercel-ai/vercel-ai.ts';
import { isBeeAi, isFailedEvent, kindOfBeeAi, nameOfBeeAi } from './beeai.ts';
import { readModelCall } from './call.ts';
import { readValue } from './raw-value.ts';
import { readOpenInferenceShort } from './short-way.ts';
import { readChain, readEmbedding, readRerank, readRetrieval, readSpeech, readToolCall } from './steps.ts';

export const KIND = 'openinference.span.kind';
/** Of traceAI, which has a vocabulary of its own. */
export const TRACE_AIS_KIND = 'fi.span.kind';
/** Alibaba's tracing and Dify write the same kinds, and the same names for all that is no call of a model. */
const OTHER_KIND = 'gen_ai.span.kind';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['LLM', 'model'],
  ['TOOL', 'tool'],
  ['AGENT', 'agent'],
]);

export const openInference: Convention = {
  name: 'openinference',
  title: 'OpenInference',
  packages: [
    '@arizeai/openinference-instrumentation-openai',
    '@arizeai/openinference-instrumentation-anthropic',
    '@arizeai/openinference-instrumentation-langchain',
    '@arizeai/openinference-instrumentation-openai-agents',
  ],
  signs: { keys: [KIND, OTHER_KIND] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (typeof attributes[KIND] !== 'string' && !isStepElsewhere(span)) return undefined;
    // On spans of the AI SDK a processor adds these attributes as a translation. It loses some and takes every step for
    // a call; the original attributes are still there.
    if (vercelAi.classify(span) !== undefined) return undefined;
    const kind = kindOf(span);
    return isBeeAi(span) ? kindOfBeeAi(span, kind) : (KINDS.get(kind) ?? 'generic');
  },

  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    return readOfKind(fields, kindOf(span));
  },

  isStep: (span) => !isCallKind(kindOf(span)),

  shortWay: { read: readOpenInferenceShort },
};

/** Reads a span as one of this kind of OpenInference. */
export function readOfKind(fields: SpanFields, kind: string): Reading {
  const app = toPlainObject(fields.object('metadata'));
  const isCall = isCallKind(kind);
  const usage = USAGE.read(fields.attributes, fields.keys);
  const reading = readContent(fields, kind, app);
  if (isCall) addTo(reading, ownUsage(usage));
  const isBees = isBeeAi(fields.span);
  if (isBees) reading.name ??= nameOfBeeAi(fields.span, kind);
  const failed = isBees && isFailedEvent(fields.span);
  reading.error = readError(fields.span, { finishReason: reading.finishReason, failed });
  const metadata: Record<string, unknown> = {
    prompt_template_version: fields.string('llm.prompt_template.version'),
    prompt_id: fields.string('prompt.id'),
    prompt_vendor: fields.string('prompt.vendor'),
    prompt_url: fields.string('prompt.url'),
    ...(isCall ? usageDetails(usage) : usageSums(usage)),
  };
  reading.metadata = addTo(metadata, reading.metadata);
  if (app) reading.contentMetadata = addTo({ ...app }, reading.contentMetadata);
  return withUsageOfBody(reading, kind === 'LLM' ? readValue(fields, 'output.value').json : undefined);
}

/** A span with an operation, and any call of a model, is one of the GenAI conventions. */
function isStepElsewhere(span: SpanSlice): boolean {
  const { attributes } = span;
  const kind = attributes[OTHER_KIND];
  return (
    typeof kind === 'string' &&
    /^[A-Z]+$/.test(kind) &&
    kind !== 'LLM' &&
    attributes[TRACE_AIS_KIND] === undefined &&
    attributes['gen_ai.operation.name'] === undefined &&
    // Tencent's name for a call of a model.
    !(kind === 'GENERATION' && genAi.classify(span) === 'model')
  );
}

/** Envoy's gateway gives requests for which no model runs the kind of those for which one does. */
const OTHER_REQUESTS = /^(?:CountTokens|(?:Create|Retrieve|Delete|Cancel|List)(?:File|Batch)\w*)$/;
const ENVOY = 'envoyproxy/ai-gateway';

/** Haystack's instrumentation gives the kind also to what builds prompts, and once to all that it did not know. */
const HAYSTACK = 'openinference.instrumentation.haystack';
const CALLING_COMPONENTS = /Generator|VertexAIImage/;

/** LangFlow gives a component the kind of the call that is below it. */
const LANGFLOW = 'langflow.services.tracing.arize_phoenix';

function isStepAsCall(span: SpanSlice): boolean {
  switch (scopeOf(span).name) {
    case ENVOY:
      return OTHER_REQUESTS.test(span.name);
    case HAYSTACK:
      return !CALLING_COMPONENTS.test(span.name) && span.attributes['llm.model_name'] === undefined;
    case LANGFLOW:
      return span.attributes['llm.model_name'] === undefined;
    default:
      return false;
  }
}

/** Python's enum may be printed with its name. */
function kindOf(span: SpanSlice): string {
  const { attributes } = span;
  const kind = stringOf(attributes[KIND] ?? attributes[OTHER_KIND]) ?? '';
  const word = KINDS.has(kind) ? kind : constantOf(kind).toUpperCase();
  if (word === 'LLM' && isStepAsCall(span)) return 'CHAIN';
  if (word === 'LLM' && isEmbedding(attributes)) return 'EMBEDDING';
  return word;
}

/** Bedrock's instrumentations give every call of a model the same kind, and an answer without words. */
function isEmbedding(attributes: Attributes): boolean {
  const model = attributes['llm.model_name'];
  if (typeof model !== 'string' || !/embed/i.test(model)) return false;
  return attributes['llm.output_messages.0.message.content'] === undefined;
}

function isCallKind(kind: string): boolean {
  return kind === 'LLM' || kind === 'EMBEDDING';
}

function below(side: 'prompt' | 'completion', ...names: readonly string[]): string[] {
  return names.map((name) => `llm.token_count.${side}_details.${name}`);
}

const USAGE = new UsageTable({
  promptTokens: ['llm.token_count.prompt'],
  outputTokens: ['llm.token_count.completion'],
  promptCost: ['llm.cost.prompt'],
  outputCost: ['llm.cost.completion'],
  total_tokens: ['llm.token_count.total'],
  cache_read_tokens: below('prompt', 'cache_read', 'cache_input', 'cached_tokens', 'cache_read_input_tokens'),
  cache_write_tokens: below('prompt', 'cache_write', 'cache_creation', 'cache_creation_input_tokens'),
  reasoning_tokens: below('completion', 'reasoning', 'reasoning_tokens'),
  input_audio_tokens: below('prompt', 'audio', 'audio_tokens'),
  output_audio_tokens: below('completion', 'audio', 'audio_tokens'),
  total_cost: ['llm.cost.total'],
});

/** A framework is no provider. */
function agentProvider(fields: SpanFields): string | undefined {
  return fields.attributes['llm.model_name'] === undefined ? undefined : fields.firstName('llm.provider', 'llm.system');
}

function readContent(fields: SpanFields, kind: string, app: Record<string, unknown> | undefined): Reading {
  switch (kind) {
    case 'LLM':
      return readModelCall(fields, app);
    case 'TOOL':
      return readToolCall(fields);
    case 'RETRIEVER':
      return readRetrieval(fields);
    case 'RERANKER':
      return readRerank(fields);
    case 'EMBEDDING':
      return readEmbedding(fields);
    case 'AUDIO':
      return readSpeech(fields);
    case 'AGENT':
      return { model: fields.firstName('llm.model_name'), provider: agentProvider(fields), ...readChain(fields) };
    default:
      return readChain(fields);
  }
}
