/**
 * Logfire's instrumentations of provider clients: request and response as JSON in `request_data` and `response_data`.
 *
 * The span of a streamed call ends with the request. What was streamed comes in a second span of type `log`, which has
 * no parent and repeats the request.
 */

import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { imageAnswerOf } from '../content/image-answers.ts';
import { inputsOf } from '../content/inputs.ts';
import { readEventList } from '../content/messages/event-list.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { readAnswer, readRequest } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { IN_BODY, ownUsage, type Usage, UsageTable, usageDetails } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, countOf, nameOf, objectOf, stringOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectOf } from '../values/usage-object.ts';

type Fields = Record<string, unknown>;

const SCOPE = 'logfire.';

/** Paths of calls that some releases do not know, such as those of Anthropic's betas. */
const CALLED = /^(?:\/v\d+)?\/(?:chat\/completions|completions|complete|messages|responses)(?:\?|$)/;

export const logfire: Convention = {
  name: 'logfire',
  title: 'Logfire',
  signs: { keys: ['request_data'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (attributes['request_data'] === undefined) return undefined;
    if (attributes['logfire.span_type'] === 'log') return 'plumbing';
    const { url, 'gen_ai.operation.name': operation } = attributes;
    // Of files, batches, counts of tokens: nothing was asked of a model.
    if (typeof url === 'string' && operation === undefined && !CALLED.test(url)) return 'generic';
    const model = attributes['gen_ai.request.model'];
    if (operation === 'embeddings' || (typeof model === 'string' && /embed/i.test(model))) return 'generic';
    return model !== undefined || scopeOf(span).name.startsWith(SCOPE) ? 'model' : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = readModelCall(fields, kind);
    reading.error = readError(span, { finishReason: reading.finishReason });
    return reading;
  },
};

function readModelCall(fields: SpanFields, kind: SpanKind): Reading {
  const request = fields.object('request_data') ?? {};
  const response = fields.object('response_data') ?? {};
  const usage = readUsage(response['usage']);
  const reading: Reading = {
    model: fields.firstName('gen_ai.request.model') ?? nameOf(request['model']),
    provider: fields.firstName('gen_ai.system') ?? providerInScope(fields.span),
    ...ownUsage(usage),
    metadata: usageDetails(usage),
  };
  if (kind === 'generic') return addTo(reading, { inputs: inputsOf(request['input']) });
  const reader = new MessageReader();
  const messages = reader.read(request);
  const answer = readAnswer(answerOf(response, reading.provider), reader, usage.outputTokens);
  addTo(reading, readRequest(request));
  addTo(reading, answer);
  reading.endpoint = stringOf(request['prompt']) === undefined ? 'chat' : 'complete';
  reading.messages = messages.length > 0 ? messages : undefined;
  reading.contentMetadata = addTo(metadataOfMessages(reader), answer.contentMetadata);
  // Of the Responses API, all that is said is in events.
  const said = readEventList(fields.list('events'));
  addTo(reading, { ...said, contentMetadata: addTo(reading.contentMetadata, said.contentMetadata) });
  return reading;
}

/** The answer in `{ message, usage }`, `{ combined_chunk_content }`, `{ images }` or `{ text }`. */
function answerOf(response: Fields, provider: string | undefined): unknown {
  const message = objectOf(response['message']);
  if (message) return { role: 'assistant', ...message, tool_calls: callsOf(message, provider) };
  // All that it keeps of the body.
  const images = { created: 0, data: response['images'] };
  if (imageAnswerOf(images)) return images;
  return response['combined_chunk_content'] ?? response['text'] ?? response['output'];
}

/** The arguments of Anthropic's calls are the JSON of the block with nothing but its input: `{"input":{"city":"Paris"}}`. */
function callsOf({ tool_calls: calls }: Fields, provider: string | undefined): unknown {
  if (!Array.isArray(calls) || provider !== 'anthropic') return calls;
  return calls.map((call: unknown) => {
    const body = isObject(call) ? objectOf(call['function']) : undefined;
    const block = typeof body?.['arguments'] === 'string' ? objectOf(body['arguments']) : undefined;
    const isBlock = block !== undefined && isObject(block['input']) && Object.keys(block).length === 1;
    return isBlock ? { ...(call as Fields), function: { ...body, arguments: block['input'] } } : call;
  });
}

const USAGE = new UsageTable(
  {
    promptTokens: ['prompt_tokens', 'input_tokens'],
    outputTokens: ['completion_tokens', 'output_tokens'],
    total_tokens: ['total_tokens'],
    cache_read_tokens: ['cache_read_input_tokens'],
    cache_write_tokens: ['cache_creation_input_tokens'],
  },
  IN_BODY,
);

function readUsage(value: unknown): Usage {
  const body = usageObjectOf(value) ?? {};
  const input = objectOf(body['prompt_tokens_details'] ?? body['input_tokens_details']);
  const output = objectOf(body['completion_tokens_details'] ?? body['output_tokens_details']);
  return addTo<Usage>(USAGE.read(body), {
    cache_read_tokens: countOf(input?.['cached_tokens']),
    reasoning_tokens: countOf(output?.['reasoning_tokens']),
  });
}

/** The scope's name contains the provider: `logfire.openai`. */
function providerInScope(span: SpanSlice): string | undefined {
  const scope = scopeOf(span).name;
  return scope.startsWith(SCOPE) ? stringOf(scope.slice(SCOPE.length)) : undefined;
}
