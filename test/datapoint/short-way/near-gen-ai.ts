/** Spans of the GenAI conventions in their common shape, most of them. Each departure from it is in one of 80 values. */
import fc from 'fast-check';
import type { Attributes, SpanSlice } from '../../../src/otel/span-slice.ts';
import { makeSpan } from '../../conventions/span.ts';

/** Mostly the first. */
export function mostly<Value>(strict: fc.Arbitrary<Value>, departure: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 79, arbitrary: strict }, { weight: 1, arbitrary: departure });
}

const PROSE = ['the plan', ' held “up”', '\n', '\\', '"quoted"', '日本', '😀', '/', '\t', "it's ", 'é', '. '];
const ODD = [
  'x\ud800y',
  'x\u0000y',
  '[1]',
  '{"a":1}',
  '[{"type":"text","text":"x"}]',
  '"x"',
  '\ud800',
  '\u0000',
  '\u001b',
  '\udc00',
  '',
  '[DONE]',
  'null',
  'None',
  "Call(name='n')",
  "ResponseFunctionToolCall(arguments='{}', call_id='c', name='n', type='function_call')",
];
const JSON_TEXTS = [
  '[{"role":"user","content":"inner"}]',
  '[{"type":"text","text":"inner"}]',
  '{"type":"tool_use","id":"c","name":"n","input":{}}',
  '"[{\\"role\\":\\"user\\",\\"content\\":\\"x\\"}]"',
];

export const text = mostly(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.array(fc.constantFrom(...PROSE), { minLength: 1, maxLength: 12 }).map((words) => words.join('')),
    },
    // The same text at two places, for what is compared.
    { weight: 1, arbitrary: fc.constant('be brief') },
  ),
  fc.oneof(fc.constantFrom(...ODD, ...JSON_TEXTS), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })),
);
export const odd = fc.constantFrom<unknown>(null, 7, true, Number.NaN, {}, [], 'x', '', 'none', '\ud800');

const textPart = mostly(
  text.map((content): unknown => ({ type: 'text', content })),
  fc.oneof(
    odd,
    text,
    text.map((content) => ({ content, type: 'text' })),
    text.map((content) => ({ type: 'text', text: content })),
    text.map((content) => ({ type: 'reasoning', content })),
    text.map((content) => ({ type: 'text', content, more: content })),
    fc.constant({ type: 'blob', modality: 'image', content: 'aGk=', mime_type: 'image/png' }),
  ),
);
export const argument = fc.oneof(text, fc.integer(), fc.constantFrom<unknown>(null, { b: [1, 'é'] }, '\ud800'));
export const record = fc.dictionary(
  fc.constantFrom('order', 'fields', '__proto__', 'é', '0', 'data', 'args', 'kwargs'),
  argument,
);
export const callId = mostly(fc.constantFrom('call_1', 'call_2', 'cäll'), fc.constantFrom('srvtoolu_1', '', '\ud800'));
const callPart = fc
  .record({ id: callId, name: fc.constantFrom('lookup', 'web_search', ''), input: fc.oneof(record, text) })
  .map(({ id, name, input }) => ({ type: 'tool_call', id, name, arguments: input }) as unknown);
const resultPart = fc
  .record({ id: callId, response: fc.oneof(record, text, fc.array(textPart, { maxLength: 2 })) })
  .map(({ id, response }) => ({ type: 'tool_call_response', id, response }) as unknown);

const role = mostly(
  fc.constantFrom('user', 'assistant', 'system'),
  fc.constantFrom('developer', 'User', 'robot', 'tool'),
);
const textMessage = fc
  .record({ role, parts: fc.array(textPart, { minLength: 1, maxLength: 2 }) })
  .map((message) => message as Record<string, unknown>);
const callMessage = fc
  .tuple(fc.array(textPart, { maxLength: 1 }), fc.array(callPart, { minLength: 1, maxLength: 2 }))
  .map(([texts, calls]): Record<string, unknown> => ({ role: 'assistant', parts: [...texts, ...calls] }));
const resultMessage = fc
  .record({ role: mostly(fc.constant('tool'), role), parts: fc.array(resultPart, { minLength: 1, maxLength: 2 }) })
  .map((message): Record<string, unknown> => message);
const message = mostly(
  fc.oneof({ weight: 4, arbitrary: textMessage }, callMessage, resultMessage),
  fc.oneof(
    textMessage.map(({ parts, ...rest }) => ({ parts, ...rest })),
    textMessage.map((one) => ({ ...one, name: 'someone' })),
    textMessage.map((one) => ({ ...one, parts: [] })),
    textMessage.map((one) => ({ ...one, finish_reason: 'stop' })),
    fc.constant<Record<string, unknown>>({ role: 'user', content: 'plain' }),
  ),
);
const answer = mostly(
  fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: textMessage }, callMessage),
      fc.constantFrom('stop', 'tool_call', undefined),
    )
    .map(([{ parts }, reason]) => ({ role: 'assistant', parts, ...(reason && { finish_reason: reason }) })),
  fc.oneof(
    message,
    textMessage.map(({ parts }) => ({ role: 'assistant', finish_reason: 'stop', parts })),
    textMessage.map((one) => ({ ...one, finish_reason: 'error' })),
  ),
);

/** Changes of JSON as a text. */
const DAMAGES: readonly ((json: string, at: number) => string)[] = [
  (json, at) => json.slice(0, at % (json.length + 1)),
  (json) => json.replace('"role"', '"r\\u006fle"'),
  (json) => json.replace('"content":', '"content":"twice","content":'),
  (json) => json.replace('"content":', '"con\\u0074ent":"twice","content":'),
  (json) => json.replaceAll(',', ', '),
  (json) => json.replaceAll(':', ' :'),
  (json) => ` ${json}\n`,
  (json) => `${json}]`,
  (json) => JSON.stringify(json),
  (json) => json.replace(/[0-9]+/, '1e400'),
  (json, at) => insert(json, at, '\\'),
  (json, at) => insert(json, at, '\\x'),
  (json, at) => insert(json, at, '\\u00e9'),
  (json, at) => insert(json, at, '\\ud83d'),
  (json, at) => insert(json, at, '\\ud83d\\ude00'),
  (json, at) => insert(json, at, '\u0001'),
  (json, at) => insert(json, at, '\n'),
  (json, at) => insert(json, at, '\ud800'),
  (json, at) => insert(json, at, '"'),
];

function insert(json: string, at: number, more: string): string {
  const place = at % (json.length + 1);
  return json.slice(0, place) + more + json.slice(place);
}

export function damaged(json: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const written = json.map((value) => JSON.stringify(value));
  const damage = fc.tuple(written, fc.constantFrom(...DAMAGES), fc.nat()).map(([one, change, at]) => change(one, at));
  return mostly<unknown>(written, fc.oneof(damage, json, odd));
}

export const name = mostly<unknown>(fc.constantFrom('gpt-4o', 'openai', 'lookup', 'modèle'), odd);
export const number = mostly<unknown>(
  fc.constantFrom(0, 1, 0.5, 0.0123456, 1024),
  fc.oneof(odd, fc.constantFrom(-1, '7', 1e21, 1e308, -1e308)),
);
export const count = mostly<unknown>(fc.nat(5000), fc.oneof(odd, fc.constantFrom(-1, '7', 0.5)));
export const finishReasons = mostly<unknown>(
  fc.constantFrom(['stop'], ['tool_calls'], undefined),
  fc.constantFrom<unknown>('["length"]', 'error', [], ['error'], [7], null),
);
const messages = damaged(fc.array(message, { minLength: 1, maxLength: 3 }));
const answers = damaged(answer.map((one) => [one]));
const instructions = damaged(fc.array(textPart, { minLength: 1, maxLength: 2 }));

const definition = mostly<unknown>(
  text.map((description) => ({ type: 'function', name: 'lookup', description, parameters: { type: 'object' } })),
  fc.oneof(odd, record),
);
const definitions = damaged(fc.array(definition, { minLength: 1, maxLength: 2 }));

const common = {
  'gen_ai.provider.name': mostly<unknown>(
    fc.constantFrom('openai', 'azure.ai.openai', 'acme', 'openai.completion', undefined),
    odd,
  ),
  'gen_ai.conversation.id': fc.constantFrom('c1', undefined),
  'gen_ai.agent.id': mostly<unknown>(fc.constant(undefined), name),
  'server.address': mostly<unknown>(fc.constantFrom('api.openai.com', 'x.openai.azure.com', undefined), odd),
  'app.own': fc.constantFrom<unknown>('anything', undefined, { nested: true }),
};
export const chat = fc.record({
  ...common,
  'gen_ai.operation.name': mostly<unknown>(fc.constant('chat'), fc.constantFrom('text_completion', 'embeddings', '')),
  'gen_ai.request.model': mostly<unknown>(fc.constantFrom('gpt-4o', 'o3'), fc.oneof(name, fc.constant(undefined))),
  'gen_ai.request.temperature': fc.oneof(fc.constant(undefined), number),
  'gen_ai.request.max_tokens': fc.oneof(fc.constant(undefined), number),
  'gen_ai.request.top_p': mostly<unknown>(fc.constant(undefined), number),
  'gen_ai.request.top_k': fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, number),
  'gen_ai.tool.definitions': fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, definitions),
  'gen_ai.request.seed': mostly<unknown>(fc.constant(undefined), number),
  'gen_ai.request.stop_sequences': mostly<unknown>(
    fc.constantFrom(undefined, ['END', '“']),
    fc.oneof(odd, fc.array(odd, { maxLength: 2 })),
  ),
  'gen_ai.request.stream': mostly<unknown>(fc.constantFrom(true, undefined), odd),
  'gen_ai.response.time_to_first_chunk': fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, number),
  'gen_ai.response.id': fc.oneof(fc.constant(undefined), name),
  'gen_ai.response.model': fc.oneof(fc.constant(undefined), name),
  'gen_ai.response.finish_reasons': finishReasons,
  'gen_ai.usage.input_tokens': fc.oneof(fc.constant(undefined), count),
  'gen_ai.usage.output_tokens': fc.oneof(fc.constant(undefined), count),
  'gen_ai.usage.cache_read.input_tokens': mostly<unknown>(fc.constant(undefined), count),
  'gen_ai.usage.total_tokens': mostly<unknown>(fc.constant(undefined), count),
  'gen_ai.output.type': mostly<unknown>(fc.constantFrom('text', undefined), fc.constantFrom('json', 7)),
  'gen_ai.input.messages': messages,
  'gen_ai.system_instructions': fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, instructions),
  'gen_ai.output.messages': answers,
});
const agent = fc.record({
  ...common,
  'gen_ai.operation.name': fc.constantFrom<unknown>('invoke_agent', 'create_agent'),
  'gen_ai.agent.name': mostly<unknown>(fc.constantFrom('planner', undefined), odd),
  'gen_ai.agent.description': mostly<unknown>(fc.constant(undefined), fc.oneof(text, odd)),
  'gen_ai.request.model': fc.oneof(fc.constant(undefined), name),
  'gen_ai.response.model': mostly<unknown>(fc.constant(undefined), name),
  'gen_ai.request.temperature': mostly<unknown>(fc.constant(undefined), number),
  'gen_ai.usage.input_tokens': fc.oneof(fc.constant(undefined), count),
  'gen_ai.usage.output_tokens': fc.oneof(fc.constant(undefined), count),
  'gen_ai.input.messages': fc.oneof(fc.constant(undefined), messages),
  'gen_ai.output.messages': answers,
});
export const printedResult = fc.constantFrom<unknown>(
  "ToolMessage(content='x', tool_call_id='c1')",
  "[TextContent(type='text', text='x')]",
  "meta=None content=[TextContent(type='text', text='x')] isError=True",
  "{'content': [{'type': 'text', 'text': 'x'}], 'isError': True}",
  '{"content":[{"type":"text","text":"x"}]}',
  '{"toolResult":{"toolUseId":"c1","content":[{"text":"x"}]}}',
);
const tool = fc.record({
  ...common,
  'gen_ai.operation.name': fc.constant<unknown>('execute_tool'),
  'gen_ai.tool.name': mostly<unknown>(fc.constantFrom('lookup', 'tööl'), fc.oneof(odd, fc.constant(undefined))),
  'gen_ai.tool.type': mostly<unknown>(fc.constantFrom('function', undefined), odd),
  'gen_ai.tool.description': fc.oneof(fc.constant(undefined), text),
  'gen_ai.tool.call.id': fc.oneof(fc.constant(undefined), name),
  'gen_ai.tool.call.arguments': fc.oneof(fc.constant(undefined), damaged(record)),
  'gen_ai.tool.call.result': fc.oneof(
    fc.constant<unknown>(undefined),
    text,
    damaged(record),
    damaged(resultMessage),
    printedResult,
  ),
  'gen_ai.input.messages': mostly<unknown>(fc.constant(undefined), messages),
  'gen_ai.output.messages': mostly<unknown>(fc.constant(undefined), answers),
});

export const departures = fc.dictionary(
  fc.constantFrom(
    ...['gen_ai.prompt', 'gen_ai.completion', 'gen_ai.system', 'gen_ai.request.stop_sequences', 'error.type'],
    ...[
      'ai.prompt',
      'ai.response.text',
      'gen_ai.client.operation.duration',
      'gen_ai.client.operation.time_to_first_chunk',
      'gen_ai.client.operation.time_per_output_chunk',
      'gen_ai.request.stream',
      'traceloop.workflow.name',
      'traceloop.entity.path',
      'gen_ai.usage.cost',
      'gen_ai.request.user',
      'ai.operationId',
      'http.status_code',
    ],
    ...['input.value', 'output.value', 'llm.model_name', 'llm.token_count.prompt', 'crewai.crew.result'],
    ...['gen_ai.tool.result', 'gen_ai.tool.arguments', 'gen_ai.usage.prompt_tokens_details'],
    ...['gen_ai.evaluation.name', 'openai.request.service_tier', 'gen_ai.new.key', 'llm.usage.total_tokens'],
  ),
  fc.oneof(odd, text, number),
  { minKeys: 1, maxKeys: 2 },
);
const attributes = fc
  .tuple(fc.oneof<fc.Arbitrary<Attributes>[]>(chat, agent, tool), mostly(fc.constant<Attributes>({}), departures))
  .map(([own, more]) => ({ ...own, ...more }));

export const spanNearGenAi = spanOf(
  attributes,
  mostly(
    fc.constantFrom('app', '', '@traceloop/instrumentation-anthropic', 'gen_ai'),
    fc.constantFrom('@traceloop/instrumentation-langchain', 'openlit'),
  ),
);

/** Adds what has to do with no vocabulary. */
export function spanOf(attributes: fc.Arbitrary<Attributes>, scope: fc.Arbitrary<string>): fc.Arbitrary<SpanSlice> {
  return fc
    .record({
      attributes,
      name: mostly(fc.constantFrom('chat gpt-4o', 'schritt ü'), fc.constantFrom('', '\ud800', 'call_llm')),
      scope,
      more: mostly<Partial<SpanSlice>>(
        fc.constant({}),
        fc.constantFrom<Partial<SpanSlice>>(
          { status: { code: 2, message: 'failed' } },
          { events: [{ name: 'exception', attributes: { 'exception.message': 'no' } }] },
          { events: [{ name: 'gen_ai.choice', attributes: { content: 'x' } }] },
          { droppedAttributesCount: 2 },
          { duration: [Number.NaN, 0] },
        ),
      ),
    })
    .map(
      ({ attributes: all, more, ...names }) => ({ ...makeSpan(withoutUndefined(all), names), ...more }) as SpanSlice,
    );
}

export function withoutUndefined(all: Attributes): Attributes {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
