/**
 * Langfuse: one observation per span, with its whole input and output in one attribute each (text, or JSON of
 * anything).
 *
 * A failed observation has the level ERROR; the span's own status stays unset. Usage is split into parts that add up:
 * `input` excludes cached tokens, `output` excludes reasoning tokens.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { inputsOf } from '../../content/inputs.ts';
import { MessageReader, reasoningMetadata } from '../../content/messages.ts';
import { readAnswer, readRequest, structuredOf, toStepOutput } from '../../content/provider-bodies.ts';
import { readError } from '../../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import {
  countOf,
  type Damage,
  numberOf,
  objectOf,
  omitUndefined,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { damageMetadata } from '../../values/damage.ts';
import { millisSinceStart } from '../../values/elapsed.ts';
import { fieldsBelow } from '../../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../../values/plain-json.ts';
import { withSystem } from '../gen-ai/content.ts';
import { readWrappedRequest, type WrappedRequest } from './openai.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['generation', 'model'],
  ['agent', 'agent'],
  ['tool', 'tool'],
]);

const TYPE = 'langfuse.observation.type';
const INPUT = 'langfuse.observation.input';
const OUTPUT = 'langfuse.observation.output';

export const langfuse: Convention = {
  name: 'langfuse',
  signs: { keys: [TYPE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const type = typeOf(span);
    return type === undefined ? undefined : (KINDS.get(type) ?? 'generic');
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const type = typeOf(span);
    const usage = readUsage(attributes);
    const request = readWrappedRequest(span.name, readAppMetadata(attributes));
    const { contentMetadata, finishReason, ...content } =
      type === 'generation' ? readGeneration(span, request, usage.own.outputTokens, damage) : readStep(span, damage);
    const isCall = type === 'generation' || type === 'embedding';
    return omitUndefined<Reading>({
      ...content,
      ...(isCall ? usage.own : undefined),
      model: stringOf(attributes['langfuse.observation.model.name']),
      finishReason,
      error: readFailure(span),
      metadata: omitUndefined<Fields>({
        prompt_name: stringOf(attributes['langfuse.observation.prompt.name']),
        prompt_version: versionOf(attributes['langfuse.observation.prompt.version']),
        level: levelOf(attributes),
        version: stringOf(attributes['langfuse.version']),
        release: stringOf(attributes['langfuse.release']),
        langfuse_environment: stringOf(attributes['langfuse.environment']),
        time_to_first_chunk_ms: millisSinceStart(span, attributes['langfuse.observation.completion_start_time']),
        ...(isCall
          ? usage.details
          : { usage: unlessEmpty(omitUndefined<Fields>({ ...usage.sums, ...usage.details })) }),
        ...damageMetadata(damage),
      }),
      contentMetadata: unlessEmpty(omitUndefined<Fields>({ ...request.metadata, ...contentMetadata })),
    });
  },
};

/** The OpenAI wrapper gives embeddings the type `generation`. */
function typeOf({ name, attributes }: SpanSlice): unknown {
  const type = attributes[TYPE];
  if (type !== 'generation') return type;
  const model = attributes['langfuse.observation.model.name'];
  const isEmbedding = name === 'OpenAI.embeddings' || (typeof model === 'string' && /embedding/i.test(model));
  return isEmbedding ? 'embedding' : type;
}

/** The input of a generation is a provider's request, a list of messages, or text. */
function readGeneration(
  { name, attributes }: SpanSlice,
  request: WrappedRequest,
  outputTokens: number | undefined,
  damage: Damage,
): Reading {
  const reader = new MessageReader();
  const input = structuredOf(attributes[INPUT], damage, INPUT);
  const history = input === undefined ? [] : reader.read(input);
  const messages = withSystem(reader.readSystem(request.instructions), history);
  const parametersKey = 'langfuse.observation.model.parameters';
  const parameters = objectOf(attributes[parametersKey], damage, parametersKey) ?? {};
  const tools = isObject(input) ? (input['tools'] ?? input['functions']) : undefined;
  const answer = readAnswer(structuredOf(attributes[OUTPUT], damage, OUTPUT), reader, outputTokens);
  return {
    ...readRequest({ ...withoutFiller(parameters), tools, ...request.parameters }),
    ...(messages.length > 0 && { messages, endpoint: name === 'OpenAI.completions' ? 'complete' : 'chat' }),
    ...(request.finishReason && { finishReason: request.finishReason }),
    ...answer,
    contentMetadata: { ...reasoningMetadata(reader), ...answer.contentMetadata },
  };
}

function readStep(span: SpanSlice, damage: Damage): Reading {
  const { attributes, name } = span;
  const isEmbedding = typeOf(span) === 'embedding';
  const input = attributes[INPUT] ?? attributes['langfuse.trace.input'];
  const output = attributes[OUTPUT] ?? attributes['langfuse.trace.output'];
  const parameters = objectOf(attributes['langfuse.observation.model.parameters']);
  return omitUndefined<Reading>({
    name,
    other: parameters && toPlainObject(withoutFiller(parameters)),
    inputs: inputsOf(structuredOf(input, damage, INPUT)),
    // Vectors are left out: they are large and nobody reads them.
    output: isEmbedding ? undefined : toStepOutput(output),
  });
}

/** The OpenAI wrapper writes `"response_format": ""` if none was set. */
function withoutFiller(parameters: Fields): Fields {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== '' && value !== null));
}

function readUsage(attributes: Attributes) {
  const usage = objectOf(attributes['langfuse.observation.usage_details']) ?? {};
  const costs = objectOf(attributes['langfuse.observation.cost_details']) ?? {};
  const total = countOf(usage['total']) ?? countOf(usage['total_tokens']) ?? countOf(usage['totalTokens']);
  const output = sumOf(usage, 'output') ?? countOf(usage['completion_tokens']) ?? countOf(usage['completionTokens']);
  const input =
    sumOf(usage, 'input') ??
    countOf(usage['prompt_tokens']) ??
    countOf(usage['promptTokens']) ??
    (total !== undefined && output !== undefined && total >= output ? total - output : undefined);
  // If a call has no usage, because it failed, all costs are 0.
  const isPriced = input !== undefined || Object.values(costs).some((cost) => numberOf(cost) !== 0);
  return {
    own: {
      promptTokens: input,
      outputTokens: output,
      promptCost: isPriced ? numberOf(costs['input']) : undefined,
      outputCost: isPriced ? numberOf(costs['output']) : undefined,
    },
    sums: { prompt_tokens: input, output_tokens: output },
    details: {
      total_tokens: total,
      cache_read_tokens:
        countOf(usage['input_cached_tokens']) ??
        countOf(usage['input_cache_read']) ??
        countOf(usage['cache_read_input_tokens']),
      cache_write_tokens: countOf(usage['input_cache_creation']) ?? countOf(usage['cache_creation_input_tokens']),
      reasoning_tokens: countOf(usage['output_reasoning_tokens']) ?? countOf(usage['output_reasoning']),
      total_cost: isPriced ? numberOf(costs['total']) : undefined,
    },
  };
}

/** Sums `input`, `input_cached_tokens`, `input_audio_tokens`, …, which are parts of one whole. */
function sumOf(usage: Fields, prefix: string): number | undefined {
  let sum: number | undefined;
  for (const [key, value] of Object.entries(usage)) {
    const count = key.startsWith(prefix) ? countOf(value) : undefined;
    if (count !== undefined) sum = (sum ?? 0) + count;
  }
  return sum;
}

/** Langfuse writes a number; other tools write a label into the same attribute. */
function versionOf(value: unknown): number | string | undefined {
  return numberOf(value) ?? stringOf(value);
}

function levelOf(attributes: Attributes): string | undefined {
  const level = stringOf(attributes['langfuse.observation.level']);
  return level === 'DEFAULT' || level === 'ERROR' ? undefined : level;
}

function readFailure(span: SpanSlice) {
  const { attributes } = span;
  if (attributes['langfuse.observation.level'] !== 'ERROR') return readError(span);
  const message = stringOf(attributes['langfuse.observation.status_message']);
  return readError(span, { failed: true, ...(message !== undefined && { message }) });
}

/** The app's metadata has one attribute per key, or one for all keys. Values other than text are JSON. */
function readAppMetadata(attributes: Attributes): Fields {
  const found = {
    ...objectOf(attributes['langfuse.trace.metadata']),
    ...fieldsBelow(attributes, 'langfuse.trace.metadata.'),
    ...objectOf(attributes['langfuse.observation.metadata']),
    ...fieldsBelow(attributes, 'langfuse.observation.metadata.'),
  };
  const values = Object.entries(found).map(([key, value]) => [key, toPlainJson(structuredOf(value))] as const);
  return omitUndefined<Fields>({
    ...Object.fromEntries(values),
    trace_name: stringOf(attributes['langfuse.trace.name']),
    status_message:
      attributes['langfuse.observation.level'] === 'ERROR'
        ? undefined
        : stringOf(attributes['langfuse.observation.status_message']),
  });
}
