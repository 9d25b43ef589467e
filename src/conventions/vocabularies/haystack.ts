/**
 * Haystack: pipelines and their components. Input and output are present only if the app enabled content tracing.
 *
 * The class of a component tells its kind: `OpenAIChatGenerator`, `SentenceTransformersTextEmbedder`, `Agent`.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { toFinishReason } from '../content/finish-reason.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader, reasoningMetadata } from '../content/messages.ts';
import { readRequest, structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { countOf, type Damage, objectOf, omitUndefined, stringOf, unlessEmpty } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';

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

  read(span: SpanSlice): Reading {
    const damage: Damage = new Set();
    const { metadata, finishReason, ...content } =
      haystack.classify(span) === 'model' ? readModelCall(span.attributes, damage) : readStep(span.attributes, damage);
    return omitUndefined<Reading>({
      ...content,
      finishReason,
      error: readError(span, finishReason === undefined ? {} : { finishReason }),
      metadata: omitUndefined<Fields>({
        component_type: stringOf(span.attributes[TYPE]),
        ...metadata,
        ...damageMetadata(damage),
      }),
    });
  },
};

function readModelCall(attributes: Attributes, damage: Damage): Reading {
  const input = objectOf(attributes[INPUT], damage, INPUT) ?? {};
  const output = objectOf(attributes[OUTPUT], damage, OUTPUT) ?? {};
  const reader = new MessageReader();
  const history = Array.isArray(input['messages']) ? input['messages'].map(toMessage) : input['prompt'];
  const messages = history === undefined ? [] : reader.read(history);
  const replies = Array.isArray(output['replies']) ? output['replies'].map(toMessage) : [];
  const [outputMessage, ...others] = reader.readOutput(replies);
  // Chat generators have `meta` on the message, the others beside the replies.
  const meta = metaOf(replies[0]) ?? metaOf({ meta: Array.isArray(output['meta']) ? output['meta'][0] : undefined });
  const usage = objectOf(meta?.['usage']) ?? {};
  return omitUndefined<Reading>({
    ...readRequest({ ...objectOf(input['generation_kwargs']), tools: input['tools'] }),
    model: stringOf(meta?.['model']),
    provider: providerOf(attributes[TYPE]),
    endpoint: input['prompt'] === undefined ? 'chat' : 'complete',
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    promptTokens: countOf(usage['prompt_tokens'] ?? usage['input_tokens']),
    outputTokens: countOf(usage['completion_tokens'] ?? usage['output_tokens']),
    finishReason: toFinishReason(meta?.['finish_reason']),
    metadata: { total_tokens: countOf(usage['total_tokens']) },
    contentMetadata: unlessEmpty(
      omitUndefined<Fields>({
        ...reasoningMetadata(reader),
        choices: others.length > 0 ? others : undefined,
      }),
    ),
  });
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

function providerOf(type: unknown): string | undefined {
  const name = stringOf(type);
  return name && PROVIDERS.find(([prefix]) => name.startsWith(prefix))?.[1];
}

/** Reads pipelines, agents, and components that do not call a model. */
function readStep(attributes: Attributes, damage: Damage): Reading {
  const isEmbedder = stringOf(attributes[TYPE])?.endsWith('Embedder') === true;
  const input = attributes[INPUT] ?? attributes['haystack.pipeline.input_data'] ?? attributes['haystack.agent.input'];
  const output =
    attributes[OUTPUT] ?? attributes['haystack.pipeline.output_data'] ?? attributes['haystack.agent.output'];
  return omitUndefined<Reading>({
    name: stringOf(attributes['haystack.component.name']) ?? stringOf(attributes['haystack.pipeline.name']),
    inputs: inputsOf(structuredOf(input, damage, INPUT)),
    // Vectors are left out: they are large and nobody reads them.
    output: isEmbedder ? undefined : toStepOutput(output),
  });
}
