/** MLflow: every span has `mlflow.spanInputs` and `mlflow.spanOutputs`. All values are JSON, so texts are in quotes. */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader, reasoningMetadata } from '../content/messages.ts';
import { toModelTools } from '../content/model-tools.ts';
import { readAnswer, readRequest, structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import {
  countOf,
  type Damage,
  jsonOf,
  numberOf,
  objectOf,
  omitUndefined,
  stringOf,
  unlessEmpty,
} from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { toPlainObject } from '../values/plain-json.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['CHAT_MODEL', 'model'],
  ['LLM', 'model'],
  ['TOOL', 'tool'],
  ['AGENT', 'agent'],
]);

const INPUT = 'mlflow.spanInputs';
const OUTPUT = 'mlflow.spanOutputs';

export const mlflow: Convention = {
  name: 'mlflow',
  signs: { keys: ['mlflow.spanType'] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const type = attributes['mlflow.spanType'];
    return typeof type === 'string' ? (KINDS.get(withoutQuotes(type)) ?? 'generic') : undefined;
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const kind = mlflow.classify(span);
    const isCall = kind === 'model' || textAt(attributes, 'mlflow.spanType') === 'EMBEDDING';
    const usage = readUsage(attributes);
    const { contentMetadata, ...content } =
      kind === 'model' ? readModelCall(attributes, usage.own.outputTokens, damage) : readStep(span, damage);
    return omitUndefined<Reading>({
      ...content,
      ...(isCall ? usage.own : undefined),
      provider: textAt(attributes, 'mlflow.llm.provider'),
      error: readError(span, content.finishReason === undefined ? {} : { finishReason: content.finishReason }),
      metadata: omitUndefined<Fields>({
        ...(isCall
          ? usage.details
          : { usage: unlessEmpty(omitUndefined<Fields>({ ...usage.sums, ...usage.details })) }),
        message_format: textAt(attributes, 'mlflow.message.format'),
        ...damageMetadata(damage),
      }),
      contentMetadata: unlessEmpty(omitUndefined<Fields>({ ...contentMetadata })),
    });
  },
};

function readModelCall(attributes: Attributes, outputTokens: number | undefined, damage: Damage): Reading {
  const input = valueAt(attributes, INPUT, damage);
  const output = valueAt(attributes, OUTPUT, damage);
  const request = isObject(input) ? input : {};
  const reader = new MessageReader();
  const messages = input === undefined ? [] : reader.read(input);
  const answer = readAnswer(output, reader, outputTokens);
  const { tools, ...parameters } = readRequest(request);
  const isRawResponse = isObject(output) && stringOf(output['id']) !== undefined;
  return omitUndefined<Reading>({
    ...parameters,
    model: textAt(attributes, 'mlflow.llm.model') ?? stringOf(request['model']),
    endpoint: stringOf(request['prompt']) === undefined ? 'chat' : 'complete',
    tools: toModelTools(attributes['mlflow.chat.tools'], damage, 'mlflow.chat.tools') ?? tools,
    messages: messages.length > 0 ? messages : undefined,
    ...answer,
    metadata: undefined,
    contentMetadata: { ...reasoningMetadata(reader), ...answer.contentMetadata },
    providerRequest: stringOf(request['model']) === undefined ? undefined : toPlainObject(request),
    providerResponse: isRawResponse ? toPlainObject(output) : undefined,
  });
}

function readStep({ attributes, name }: SpanSlice, damage: Damage): Reading {
  const isEmbedding = textAt(attributes, 'mlflow.spanType') === 'EMBEDDING';
  const input = valueAt(attributes, INPUT, damage);
  return omitUndefined<Reading>({
    name: name,
    model: textAt(attributes, 'mlflow.llm.model') ?? (isObject(input) ? stringOf(input['model']) : undefined),
    inputs: inputsOf(input),
    // Vectors are left out: they are large and nobody reads them.
    output: isEmbedding ? undefined : toStepOutput(valueAt(attributes, OUTPUT, damage)),
  });
}

function readUsage(attributes: Attributes) {
  const usage = objectOf(attributes['mlflow.chat.tokenUsage']) ?? {};
  const costs = objectOf(attributes['mlflow.llm.cost']) ?? {};
  const [promptTokens, outputTokens] = [countOf(usage['input_tokens']), countOf(usage['output_tokens'])];
  return {
    own: {
      promptTokens,
      outputTokens,
      promptCost: numberOf(costs['input_cost']),
      outputCost: numberOf(costs['output_cost']),
    },
    sums: { prompt_tokens: promptTokens, output_tokens: outputTokens },
    details: {
      total_tokens: countOf(usage['total_tokens']),
      cache_read_tokens: countOf(usage['cache_read_input_tokens']),
      cache_write_tokens: countOf(usage['cache_creation_input_tokens']),
      total_cost: numberOf(costs['total_cost']),
    },
  };
}

/** Returns a list, an object, or the text inside the quotes. */
function valueAt(attributes: Attributes, key: string, damage: Damage): unknown {
  const value = attributes[key];
  if (typeof value === 'string' && value.startsWith('"')) return jsonOf(value) ?? value;
  return value === 'null' ? undefined : structuredOf(value, damage, key);
}

function textAt(attributes: Attributes, key: string): string | undefined {
  const text = stringOf(attributes[key]);
  return text === undefined ? undefined : stringOf(withoutQuotes(text));
}

function withoutQuotes(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
