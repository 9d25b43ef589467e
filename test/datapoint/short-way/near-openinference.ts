/** Calls of OpenInference in their common shape, most of them. Keys and bodies say the same, unless they do not. */
import fc from 'fast-check';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { callId, count, damaged, departures, mostly, name, number, odd, record, spanOf, text } from './near-gen-ai.ts';

const absent = fc.constant<unknown>(undefined);

interface Call {
  readonly id: unknown;
  readonly function: { readonly name: string; readonly arguments: unknown };
}
interface Message {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly Call[];
  readonly tool_call_id?: unknown;
}

const call: fc.Arbitrary<Call> = fc.record({
  id: callId,
  function: fc.record({
    name: mostly(fc.constantFrom('lookup', 'tööl'), fc.constantFrom('web_search', '')),
    arguments: fc.oneof(
      record.map((value) => JSON.stringify(value)),
      text,
    ),
  }),
});
const message: fc.Arbitrary<Message> = mostly<Message>(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: text }) },
    fc.record({
      role: fc.constant('assistant'),
      content: fc.oneof(text, fc.constantFrom('', null)),
      tool_calls: fc.array(call, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({
      role: fc.constant('tool'),
      content: fc.oneof(
        text,
        record.map((value) => JSON.stringify(value)),
      ),
      tool_call_id: callId,
    }),
  ),
  fc.oneof(
    fc.record({ role: fc.constantFrom('user', 'developer', 'robot', ''), content: fc.oneof(text, odd) }),
    fc.record({ role: fc.constant('user'), content: text, tool_call_id: callId }),
    fc.record({ role: fc.constant('tool'), content: text }),
    fc.record({ role: fc.constant('user'), content: text.map((one) => [{ type: 'text', text: one }]) }),
    fc.record({ role: fc.constant('user'), content: fc.constant('__REDACTED__') }),
  ),
);
const answer: fc.Arbitrary<Message> = mostly<Message>(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ role: fc.constant('assistant'), content: text }) },
    fc.record({
      role: fc.constant('assistant'),
      content: fc.oneof(text, fc.constantFrom('', null)),
      tool_calls: fc.array(call, { minLength: 1, maxLength: 2 }),
    }),
  ),
  message,
);

function flattened(prefix: string, messages: readonly Message[]): Attributes {
  const flat: Record<string, unknown> = {};
  for (const [at, { role, content, tool_calls: calls = [], tool_call_id }] of messages.entries()) {
    const key = `${prefix}.${at}.message`;
    flat[`${key}.role`] = role;
    if (Array.isArray(content)) {
      for (const [index, part] of content.entries()) {
        flat[`${key}.contents.${index}.message_content.type`] = part.type;
        flat[`${key}.contents.${index}.message_content.text`] = part.text;
      }
    } else if (content !== null && content !== undefined) flat[`${key}.content`] = content;
    if (tool_call_id !== undefined) flat[`${key}.tool_call_id`] = tool_call_id;
    for (const [index, one] of calls.entries()) {
      const of = `${key}.tool_calls.${index}.tool_call`;
      flat[`${of}.id`] = one.id;
      flat[`${of}.function.name`] = one.function.name;
      flat[`${of}.function.arguments`] = one.function.arguments;
    }
  }
  return flat;
}

const parameters = fc.record({
  model: mostly<unknown>(fc.constantFrom('gpt-4o', undefined), name),
  temperature: fc.oneof(absent, number),
  max_tokens: mostly<unknown>(absent, number),
  stop: mostly<unknown>(fc.constantFrom(undefined, ['END']), fc.oneof(text, odd)),
  user: mostly<unknown>(absent, name),
  logit_bias: mostly<unknown>(absent, record),
  response_format: mostly<unknown>(absent, fc.constant({ type: 'json_object' })),
  system: mostly<unknown>(absent, text),
  config: mostly<unknown>(absent, record),
});
const usage = fc.record({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: fc.oneof(absent, count),
  cost: mostly<unknown>(absent, fc.oneof(number, odd)),
  prompt_tokens_details: mostly<unknown>(fc.record({ cached_tokens: count, audio_tokens: count }), odd),
});

/** A stream of events that ends for a reason which its span may not name. */
export const STREAM =
  ': pause\n\ndata: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n';
const HOSTED = { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } };
/** Answers of other providers and of LangChain. */
const BODIES = [
  {
    id: 'm',
    role: 'assistant',
    model: 'claude',
    content: [HOSTED, { type: 'text', text: 'a' }],
    stop_reason: 'end_turn',
  },
  {
    candidates: [
      { content: { parts: [{ text: 'a' }, { executableCode: { code: '1' } }] }, finishReason: 'MAX_TOKENS' },
    ],
    modelVersion: 'gemini',
  },
  { generations: [[{ text: 'a', generation_info: { finish_reason: 'length' }, message: { content: 'a' } }]] },
];

const conversation = fc
  .record({
    sent: fc.array(message, { minLength: 1, maxLength: 3 }),
    // What the keys say may be something else.
    written: mostly<readonly Message[] | undefined>(fc.constant(undefined), fc.array(message, { maxLength: 2 })),
    got: answer,
    given: mostly<readonly Message[] | undefined>(fc.constant(undefined), fc.array(answer, { maxLength: 2 })),
    parameters,
    usage: mostly<unknown>(fc.oneof(usage, absent), odd),
    id: mostly<unknown>(fc.constantFrom('chatcmpl-1', undefined), name),
    object: mostly<unknown>(fc.constant('chat.completion'), fc.constant('response')),
    finishReason: fc.constantFrom('stop', 'tool_calls', undefined),
    input: fc.boolean(),
  })
  .chain(({ sent, written = sent, got, given = [got], parameters: asked, id, object, finishReason, ...rest }) => {
    const request = { ...asked, [rest.input ? 'messages' : 'input']: sent };
    const choices = [{ index: 0, message: got, finish_reason: finishReason }];
    const response = { id, object, model: 'gpt-4o-2024-08-06', choices, usage: rest.usage, service_tier: 'default' };
    return fc.record({
      'input.value': mostly<unknown>(
        damaged(fc.constant(request)),
        fc.oneof(absent, text, fc.constant('__REDACTED__')),
      ),
      'output.value': mostly<unknown>(
        damaged(fc.constant(response)),
        fc.oneof(
          ...[absent, text, damaged(fc.constant({ city: 'Paris' })), damaged(fc.constant([got]))],
          ...[fc.constantFrom(STREAM, JSON.stringify(STREAM)), damaged(fc.constantFrom(...BODIES))],
        ),
      ),
      'llm.invocation_parameters': mostly<unknown>(damaged(fc.constant(asked)), fc.oneof(absent, odd)),
      flat: fc.constant({
        ...flattened('llm.input_messages', written),
        ...flattened('llm.output_messages', given),
      }),
    });
  })
  .map(({ flat, ...own }): Attributes => ({ ...own, ...flat }));

const common = fc.record({
  'openinference.span.kind': mostly<unknown>(fc.constant('LLM'), fc.constantFrom('CHAIN', 'llm', 'TOOL')),
  'input.mime_type': fc.constant<unknown>('application/json'),
  'llm.model_name': mostly<unknown>(fc.constantFrom('gpt-4o', 'gpt-4o-2024-08-06', undefined), name),
  'llm.system': mostly<unknown>(fc.constantFrom('openai', undefined), fc.oneof(name, fc.constant('anthropic'))),
  'llm.provider': mostly<unknown>(fc.constantFrom('azure', undefined), name),
  'llm.finish_reason': mostly<unknown>(fc.constantFrom('stop', 'tool_calls', undefined), odd),
  'llm.token_count.prompt': fc.oneof(absent, count),
  'llm.token_count.completion': fc.oneof(absent, count),
  'llm.token_count.prompt_details.cache_read': fc.oneof(absent, count),
  'llm.token_count.prompt_details.audio': mostly<unknown>(fc.constantFrom(0, undefined), count),
  'llm.tools.0.tool.json_schema': mostly<unknown>(
    absent,
    fc.oneof(text, odd, fc.constant('{"type":"function","function":{"name":"lookup","parameters":{"type":"object"}}}')),
  ),
  metadata: mostly<unknown>(
    fc.constantFrom(undefined, '{"ls_provider":"openai","plan":"pro"}'),
    fc.oneof(odd, damaged(record), fc.constant('{"user":"x","tags":["t"],"convention":"y","usage":1}')),
  ),
  'session.id': fc.constantFrom<unknown>('s1', undefined),
  'user.id': fc.constantFrom<unknown>('u1', undefined),
  'llm.prompt_template.template': mostly<unknown>(absent, text),
});

export const spanNearOpenInference = spanOf(
  fc
    .tuple(common, conversation, mostly(fc.constant({}), departures))
    .map(([own, said, more]): Attributes => ({ ...own, ...said, ...more })),
  mostly(fc.constantFrom('@arizeai/openinference-instrumentation-openai', 'app'), fc.constant('')),
);
