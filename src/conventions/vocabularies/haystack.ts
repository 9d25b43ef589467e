/**
 * Haystack: pipelines and their components. Input and output are present only if the app enabled content tracing.
 *
 * The class of a component tells its kind: `OpenAIChatGenerator`, `SentenceTransformersTextEmbedder`, `Agent`.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsOf } from '../content/inputs.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { readRequest, structuredAt, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { IN_BODY, ownUsage, UsageTable, usageDetails } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, objectOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectOf } from '../values/usage-object.ts';

type Fields = Record<string, unknown>;

const TYPE = 'haystack.component.type';
const INPUT = 'haystack.component.input';
const OUTPUT = 'haystack.component.output';

/** Class names begin with the provider. */
const PROVIDERS: readonly (readonly [string, string])[] = [
  ['AzureOpenAI', 'azure.ai.openai'],
  ['OpenAI', 'openai'],
  ['Anthropic', 'anthropic'],
  ['AmazonBedrock', 'aws.bedrock'],
  ['Google', 'google'],
  ['VertexAI', 'vertex_ai'],
  ['Cohere', 'cohere'],
  ['Groq', 'groq'],
  ['Mistral', 'mistral_ai'],
  ['HuggingFace', 'hugging_face'],
  ['Ollama', 'ollama'],
];

export const haystack: Convention = {
  name: 'haystack',
  title: 'Haystack',
  signs: { keys: [TYPE], names: ['haystack.'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const type = span.attributes[TYPE];
    if (typeof type === 'string') {
      if (type.endsWith('Generator')) return 'model';
      return type === 'Agent' ? 'agent' : 'generic';
    }
    if (!span.name.startsWith('haystack.')) return undefined;
    if (span.name === 'haystack.agent.run') return 'agent';
    return span.name.startsWith('haystack.pipeline.') ? 'generic' : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = kind === 'model' ? readModelCall(fields) : readStep(fields);
    reading.error = readError(span, { finishReason: reading.finishReason });
    reading.metadata = { component_type: fields.string(TYPE), ...reading.metadata };
    return reading;
  },
};

const USAGE = new UsageTable(
  {
    promptTokens: ['prompt_tokens', 'input_tokens'],
    outputTokens: ['completion_tokens', 'output_tokens'],
    total_tokens: ['total_tokens'],
  },
  IN_BODY,
);

function readModelCall(fields: SpanFields): Reading {
  const input = fields.object(INPUT) ?? {};
  const output = fields.object(OUTPUT) ?? {};
  const reader = new MessageReader();
  const history = Array.isArray(input['messages']) ? input['messages'].map(toMessage) : input['prompt'];
  const messages = history === undefined ? [] : reader.read(history);
  const replies = Array.isArray(output['replies']) ? output['replies'].map(toMessage) : [];
  const [outputMessage, ...others] = reader.readOutput(replies);
  // Chat generators have `meta` on the message, the others beside the replies.
  const meta = metaOf(replies[0]) ?? metaOf({ meta: Array.isArray(output['meta']) ? output['meta'][0] : undefined });
  const usage = USAGE.read(usageObjectOf(meta?.['usage']));
  return {
    model: nameOf(meta?.['model']),
    provider: providerOf(fields.string(TYPE)),
    endpoint: input['prompt'] === undefined ? 'chat' : 'complete',
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    ...ownUsage(usage),
    finishReason: toFinishReason(meta?.['finish_reason']),
    metadata: usageDetails(usage),
    contentMetadata: { choices: others.length > 0 ? others : undefined, ...metadataOfMessages(reader) },
    ...readRequest(addTo({ ...objectOf(input['generation_kwargs']) }, { tools: input['tools'] })),
  };
}

/** Earlier releases write the private fields of a message: `_role`, `_content`, `_meta`. */
function toMessage(value: unknown): unknown {
  if (!isObject(value)) return value;
  const content = value['content'] ?? value['_content'];
  return {
    ...value,
    role: value['role'] ?? value['_role'],
    name: value['name'] ?? value['_name'] ?? undefined,
    meta: value['meta'] ?? value['_meta'],
    content: Array.isArray(content) ? content.map(toPart) : content,
  };
}

/** Converts `{ tool_call: { tool_name, arguments, id } }` and `{ tool_call_result: { result, origin } }`. */
function toPart(part: unknown): unknown {
  if (!isObject(part)) return part;
  const call = objectOf(part['tool_call']);
  if (call) return { type: 'tool_call', id: call['id'], name: call['tool_name'], arguments: call['arguments'] };
  const result = objectOf(part['tool_call_result']);
  if (!result) return part;
  const origin = objectOf(result['origin']) ?? {};
  return { type: 'tool_result', id: origin['id'], name: origin['tool_name'], result: result['result'] };
}

function metaOf(reply: unknown): Fields | undefined {
  return isObject(reply) ? objectOf(reply['meta']) : undefined;
}

function providerOf(type: string | undefined): string | undefined {
  return type && PROVIDERS.find(([prefix]) => type.startsWith(prefix))?.[1];
}

/** Reads pipelines, agents, and components that do not call a model. */
function readStep(fields: SpanFields): Reading {
  const isEmbedder = fields.string(TYPE)?.endsWith('Embedder') === true;
  const input = fields.firstKey(INPUT, 'haystack.pipeline.input_data', 'haystack.agent.input');
  const output = fields.firstKey(OUTPUT, 'haystack.pipeline.output_data', 'haystack.agent.output');
  const meta = isEmbedder ? metaOf(fields.object(OUTPUT)) : undefined;
  const usage = USAGE.read(usageObjectOf(meta?.['usage']));
  return {
    model: nameOf(meta?.['model']),
    ...ownUsage(usage),
    metadata: usageDetails(usage),
    name: fields.firstString('haystack.component.name', 'haystack.pipeline.name'),
    inputs: inputsOf(structuredAt(fields, input)),
    output: isEmbedder || output === undefined ? undefined : toStepOutput(fields.attributes[output]),
  };
}
