/** Spans of the AI SDK 4 to 6 in their common shape, most of them. */
import fc from 'fast-check';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import {
  callId,
  count,
  damaged,
  departures,
  mostly,
  name,
  number,
  odd,
  printedResult,
  record,
  spanOf,
  text,
} from './near-gen-ai.ts';

const absent = fc.constant<unknown>(undefined);

const textPart = mostly<unknown>(
  text.map((content) => ({ type: 'text', text: content })),
  fc.oneof(
    odd,
    text,
    text.map((content) => ({ text: content, type: 'text' })),
    text.map((content) => ({ type: 'text', text: content, providerOptions: { openai: {} } })),
    text.map((content) => ({ type: 'reasoning', text: content })),
    fc.constant({ type: 'image', image: 'https://example.com/a.png' }),
    fc.constant({ type: 'file', mediaType: 'application/pdf', data: 'aGk=' }),
  ),
);
const toolName = mostly(fc.constantFrom('lookup', 'tööl'), fc.constantFrom('web_search', ''));
const callPart = fc
  .record({ id: callId, toolName, input: fc.oneof(record, text), key: fc.constantFrom('input', 'args') })
  .map(({ id, input, key, ...names }): unknown => ({ type: 'tool-call', toolCallId: id, ...names, [key]: input }));
const result = fc.oneof(
  record.map((value): unknown => ({ output: { type: 'json', value } })),
  text.map((value) => ({ output: { type: 'text', value } })),
  text.map((value) => ({ output: { type: 'error-text', value } })),
  fc.array(textPart, { maxLength: 2 }).map((value) => ({ output: { type: 'content', value } })),
  fc.oneof(record, text, odd).map((value) => ({ result: value })),
);
const resultPart = fc.record({ id: callId, toolName, result }).map(({ id, result: own, ...names }): unknown => ({
  type: 'tool-result',
  toolCallId: id,
  ...names,
  ...(own as object),
}));

const message = mostly<unknown>(
  fc.oneof(
    text.map((content) => ({ role: 'system', content })),
    fc.record({
      role: fc.constantFrom('user', 'assistant'),
      content: fc.array(textPart, { minLength: 1, maxLength: 2 }),
    }),
    fc
      .tuple(fc.array(textPart, { maxLength: 1 }), fc.array(callPart, { minLength: 1, maxLength: 2 }))
      .map(([texts, calls]) => ({ role: 'assistant', content: [...texts, ...calls] })),
    fc.record({ role: fc.constant('tool'), content: fc.array(resultPart, { minLength: 1, maxLength: 2 }) }),
  ),
  fc.oneof(
    odd,
    text.map((content) => ({ role: 'user', content })),
    text.map((content) => ({ role: 'tool', content })),
    text.map((content) => ({ role: 'user', content, name: 'someone' })),
    text.map((content) => ({ content, role: 'user' })),
    fc.record({ role: fc.constant('user'), content: fc.array(resultPart, { maxLength: 2 }) }),
  ),
);
const messages = damaged(fc.array(message, { minLength: 1, maxLength: 3 }));

const answerCall = mostly<unknown>(
  fc
    .record({ id: callId, toolName, input: fc.oneof(record, text), key: fc.constantFrom('input', 'args') })
    .map(({ id, input, key, ...names }) => ({ toolCallId: id, ...names, [key]: input })),
  fc.oneof(odd, text, fc.constant({ toolCallId: 'call_1', toolName: 'lookup', input: {}, providerExecuted: true })),
);
const answerCalls = damaged(fc.array(answerCall, { maxLength: 2 }));

const providerMetadata = damaged(
  fc.record({
    openai: fc.oneof(
      fc.constant({}),
      fc.record({ cachedPromptTokens: count, reasoningTokens: count, serviceTier: name }),
    ),
    anthropic: fc.oneof(fc.constant({}), fc.record({ cacheReadInputTokens: count, usage: record })),
  }),
);

/** The same value at both keys, most of the time. */
function both(first: string, second: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Attributes> {
  return mostly(
    value.map((one): Attributes => ({ [first]: one, [second]: one })),
    fc.oneof(
      value.map((one) => ({ [first]: one })),
      fc.tuple(value, value).map(([one, two]) => ({ [first]: one, [second]: two })),
    ),
  );
}

const common = fc.record({
  'ai.telemetry.functionId': mostly<unknown>(fc.constantFrom('greet', undefined), fc.oneof(odd, text)),
  'resource.name': mostly<unknown>(fc.constantFrom('greet', undefined), odd),
  'ai.settings.maxRetries': fc.oneof(fc.constant<unknown>(2), absent, number),
  'ai.settings.topK': mostly<unknown>(absent, number),
  'ai.settings.provider': mostly<unknown>(absent, name),
  'ai.settings.top_k': mostly<unknown>(absent, number),
  'ai.settings.context.plan': mostly<unknown>(absent, text),
  'ai.telemetry.metadata.userId': mostly<unknown>(fc.constantFrom('u1', undefined), odd),
  'ai.telemetry.metadata.tags': mostly<unknown>(fc.constantFrom(['a', 'b'], undefined), odd),
  'ai.telemetry.metadata.usage': mostly<unknown>(absent, text),
  'ai.telemetry.metadata.function_id': mostly<unknown>(absent, text),
  'ai.telemetry.metadata.note': fc.oneof(absent, text, odd),
  'ai.telemetry.metadata.': mostly<unknown>(absent, text),
  'ai.request.headers.user-agent': fc.constantFrom<unknown>('ai/6', undefined),
  'ai.response.providerMetadata': fc.oneof(absent, providerMetadata),
  'ai.response.finishReason': mostly<unknown>(
    fc.constantFrom('stop', 'tool-calls', 'length', undefined),
    fc.oneof(odd, fc.constantFrom('error', 'unknown', 'a, b', 'end-turn')),
  ),
  'ai.response.timestamp': mostly<unknown>(fc.constantFrom('2026-01-01T00:00:00.000Z', undefined), odd),
  'ai.response.msToFinish': mostly<unknown>(fc.constantFrom(12.5, undefined), number),
  'ai.response.reasoning': mostly<unknown>(absent, fc.oneof(text, fc.constant('[{"text":"hm"}]'))),
});
const tokens = fc
  .tuple(
    both('ai.usage.inputTokens', 'gen_ai.usage.input_tokens', count),
    both('ai.usage.outputTokens', 'gen_ai.usage.output_tokens', count),
    fc.record({
      'ai.usage.totalTokens': fc.oneof(absent, count),
      'ai.usage.inputTokenDetails.noCacheTokens': fc.oneof(absent, count),
      'ai.usage.cachedInputTokens': mostly<unknown>(absent, count),
    }),
  )
  .map(joined);
const text2 = fc.oneof(text, absent);
const model = fc
  .tuple(
    both('ai.model.id', 'gen_ai.request.model', mostly<unknown>(fc.constantFrom('gpt-4o', 'o3'), name)),
    both(
      'ai.model.provider',
      'gen_ai.system',
      mostly<unknown>(fc.constantFrom('openai.chat', 'azure-openai.chat', 'acme'), name),
    ),
    both('ai.response.id', 'gen_ai.response.id', fc.oneof(absent, name)),
    both('ai.response.model', 'gen_ai.response.model', fc.oneof(absent, name)),
    both('ai.settings.temperature', 'gen_ai.request.temperature', fc.oneof(absent, number)),
    both('ai.settings.stopSequences', 'gen_ai.request.stop_sequences', mostly<unknown>(absent, fc.array(text))),
    tokens,
    fc.record({
      'ai.operationId': mostly<unknown>(
        fc.constantFrom('ai.generateText.doGenerate', 'ai.streamText.doStream'),
        fc.constantFrom('ai.generateObject.doGenerate', 'ai.embed.doEmbed', 'ai.generateText'),
      ),
      'ai.prompt.messages': messages,
      'ai.prompt.tools': mostly<unknown>(
        fc.constantFrom(undefined, ['{"type":"function","name":"lookup","inputSchema":{"type":"object"}}']),
        fc.oneof(odd, fc.array(text, { maxLength: 2 })),
      ),
      'ai.prompt.toolChoice': fc.oneof(absent, damaged(fc.constant({ type: 'auto' }))),
      'gen_ai.response.finish_reasons': mostly<unknown>(fc.constantFrom(['stop'], undefined), odd),
      'ai.response.text': text2,
      'ai.response.toolCalls': fc.oneof({ weight: 3, arbitrary: absent }, answerCalls),
      'ai.response.msToFirstChunk': mostly<unknown>(absent, number),
      'ai.response.object': mostly<unknown>(absent, text),
    }),
  )
  .map(joined);
const run = fc
  .tuple(
    tokens,
    fc.record({
      'ai.operationId': fc.constantFrom<unknown>('ai.generateText', 'ai.streamText'),
      'ai.model.id': mostly<unknown>(fc.constant('gpt-4o'), fc.oneof(absent, name)),
      'ai.model.provider': mostly<unknown>(fc.constant('openai.chat'), name),
      'ai.prompt': fc.oneof({ weight: 3, arbitrary: damaged(record) }, absent),
      'ai.response.text': text2,
      'ai.response.toolCalls': mostly(absent, answerCalls),
      'ai.settings.maxSteps': fc.constantFrom<unknown>(3, undefined),
      'ai.toolCall.name': mostly<unknown>(absent, name),
    }),
  )
  .map(joined);
const tool = fc.record({
  'ai.operationId': fc.constant<unknown>('ai.toolCall'),
  'ai.toolCall.name': mostly<unknown>(fc.constantFrom('lookup', 'tööl'), fc.oneof(odd, absent)),
  'ai.toolCall.id': fc.oneof(absent, name),
  'ai.toolCall.args': fc.oneof(absent, damaged(record)),
  'ai.toolCall.result': fc.oneof(absent, text, damaged(record), printedResult),
  'ai.usage.inputTokens': mostly<unknown>(absent, count),
  'ai.model.id': mostly<unknown>(absent, name),
});

function joined(parts: readonly Attributes[]): Attributes {
  return Object.assign({}, ...parts);
}

export const spanNearVercelAi = spanOf(
  fc
    .tuple(fc.oneof<fc.Arbitrary<Attributes>[]>(model, model, run, tool), common, mostly(fc.constant({}), departures))
    .map(joined),
  mostly(fc.constant('ai'), fc.constantFrom('', 'gen_ai')),
);
