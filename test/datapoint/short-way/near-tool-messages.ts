/** Conversations in which tools are called and answer, in all orders, and with ids that are odd, lost or taken twice. */
import fc from 'fast-check';
import { damaged, mostly, spanOf } from './near-gen-ai.ts';

const id = mostly<unknown>(
  fc.constantFrom('call_0', 'call_1', 'x'),
  fc.constantFrom('', undefined, null, 7, 'none', '\ud800', ' ', 'srvtoolu_1', 'mcptoolu_1', 'toolu_1'),
);
const name = mostly<unknown>(
  fc.constantFrom('lookup', undefined),
  fc.constantFrom('', 'web_search', 'code_interpreter', 'none', 'tool'),
);
const value = mostly<unknown>(
  fc.constantFrom('sunny', '', 5, { a: 1 }, [{ a: 1 }]),
  fc.constantFrom(
    ...[null, undefined, true, [], {}, '[]', '{"a":1}', [{ json: { a: 1 } }], { type: 'text', value: 'v' }],
    ...[[{ type: 'text', text: 't' }], [{ type: 'text', content: '[{"type":"text","text":"x"}]' }]],
    ...['[{"type":"text","text":"x"}]', { role: 'tool', content: 'x' }, [{ role: 'user', content: 'q' }]],
    ...['{"type":"tool_result","tool_use_id":"c","content":"x"}', [{ type: 'web_search_result', url: 'u' }]],
  ),
);
const result = fc.record({
  type: mostly(fc.constant('tool_call_response'), fc.constant('tool_result')),
  id,
  name,
  response: value,
  result: mostly<unknown>(fc.constant(undefined), value),
});
const call = fc.record({ type: fc.constant('tool_call'), id, name, arguments: value });
const text = fc.record({ type: fc.constant('text'), content: mostly(fc.constantFrom('hello', 'x'), fc.constant('')) });

function messageOf(role: fc.Arbitrary<string>, part: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.record({ role, parts: fc.array(part, { minLength: 1, maxLength: 2 }) });
}

const message = mostly<unknown>(
  fc.oneof(
    messageOf(mostly(fc.constant('tool'), fc.constantFrom('user', 'assistant')), result),
    messageOf(fc.constantFrom('user', 'assistant', 'system'), text),
    messageOf(mostly(fc.constant('assistant'), fc.constant('user')), call),
  ),
  messageOf(fc.constantFrom('tool', 'user', 'assistant'), fc.oneof(text, call, result)),
);

export const spanNearToolMessages = spanOf(
  fc.record({
    'gen_ai.operation.name': fc.constantFrom('chat', 'invoke_agent'),
    'gen_ai.request.model': fc.constant('gpt-4o'),
    'gen_ai.input.messages': damaged(fc.array(message, { minLength: 1, maxLength: 5 })),
    'gen_ai.output.messages': damaged(messageOf(fc.constant('assistant'), fc.oneof(text, call)).map((one) => [one])),
  }),
  fc.constantFrom('app', '@traceloop/instrumentation-langchain'),
);
