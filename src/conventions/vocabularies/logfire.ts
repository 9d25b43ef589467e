/**
 * Logfire's instrumentations of provider clients: request and response as JSON in `request_data` and `response_data`.
 *
 * The span of a streamed call ends with the request. What was streamed comes in a second span of type `log`, which has
 * no parent and repeats the request.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader, reasoningMetadata } from '../content/messages.ts';
import { readAnswer, readRequest } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { countOf, type Damage, objectOf, omitUndefined, stringOf, unlessEmpty } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';

type Fields = Record<string, unknown>;

const SCOPE = 'logfire.';

export const logfire: Convention = {
  name: 'logfire',
  signs: { keys: ['request_data'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (attributes['request_data'] === undefined) return undefined;
    if (attributes['logfire.span_type'] === 'log') return 'plumbing';
    const model = attributes['gen_ai.request.model'];
    if (typeof model === 'string' && /embed/i.test(model)) return 'generic';
    return model !== undefined || scopeOf(span).name.startsWith(SCOPE) ? 'model' : undefined;
  },

  read(span: SpanSlice): Reading {
    const damage: Damage = new Set();
    const { metadata, ...content } = readModelCall(span, damage);
    return omitUndefined<Reading>({
      ...content,
      error: readError(span, content.finishReason === undefined ? {} : { finishReason: content.finishReason }),
      metadata: omitUndefined<Fields>({ ...metadata, ...damageMetadata(damage) }),
    });
  },
};

function readModelCall(span: SpanSlice, damage: Damage): Reading {
  const { attributes } = span;
  const request = objectOf(attributes['request_data'], damage, 'request_data') ?? {};
  const response = objectOf(attributes['response_data'], damage, 'response_data') ?? {};
  const usage = readUsage(response['usage']);
  const shared = {
    model: stringOf(attributes['gen_ai.request.model']) ?? stringOf(request['model']),
    provider: stringOf(attributes['gen_ai.system']) ?? providerInScope(span),
    ...usage.own,
    metadata: usage.details,
  };
  if (logfire.classify(span) === 'generic')
    return omitUndefined<Reading>({ ...shared, inputs: inputsOf(request['input']) });
  const reader = new MessageReader();
  const messages = reader.read(request);
  const answer = readAnswer(answerOf(response), reader, usage.own.outputTokens);
  return omitUndefined<Reading>({
    ...shared,
    ...readRequest(request),
    endpoint: stringOf(request['prompt']) === undefined ? 'chat' : 'complete',
    messages: messages.length > 0 ? messages : undefined,
    ...answer,
    contentMetadata: unlessEmpty(omitUndefined<Fields>({ ...reasoningMetadata(reader), ...answer.contentMetadata })),
  });
}

/** The answer in `{ message, usage }`, `{ combined_chunk_content }` or `{ text }`. */
function answerOf(response: Fields): unknown {
  const message = objectOf(response['message']);
  if (message) return { role: 'assistant', ...message };
  return response['combined_chunk_content'] ?? response['text'] ?? response['output'];
}

function readUsage(value: unknown) {
  const usage: Attributes = objectOf(value) ?? {};
  const input = objectOf(usage['prompt_tokens_details'] ?? usage['input_tokens_details']) ?? {};
  const output = objectOf(usage['completion_tokens_details'] ?? usage['output_tokens_details']) ?? {};
  return {
    own: {
      promptTokens: countOf(usage['prompt_tokens'] ?? usage['input_tokens']),
      outputTokens: countOf(usage['completion_tokens'] ?? usage['output_tokens']),
    },
    details: {
      total_tokens: countOf(usage['total_tokens']),
      cache_read_tokens: countOf(input['cached_tokens'] ?? usage['cache_read_input_tokens']),
      cache_write_tokens: countOf(usage['cache_creation_input_tokens']),
      reasoning_tokens: countOf(output['reasoning_tokens']),
    },
  };
}

/** The scope's name contains the provider: `logfire.openai`. */
function providerInScope(span: SpanSlice): string | undefined {
  const scope = scopeOf(span).name;
  return scope.startsWith(SCOPE) ? stringOf(scope.slice(SCOPE.length)) : undefined;
}
