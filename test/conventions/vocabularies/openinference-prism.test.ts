/** Prism (PHP) has the finish reason in OpenInference's message, and the id, the model and the tier of the answer beside it. */
import { describe, expect, test } from 'vitest';
import { classifySpan, shortWayOf } from '../../../src/conventions/index.ts';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { makeSpan, read } from '../span.ts';

const ANSWER = 'llm.output_messages.0.message.';
const STEP: Attributes = {
  'openinference.span.kind': 'LLM',
  'llm.model_name': 'gpt-4o',
  'llm.input_messages.0.message.role': 'user',
  'llm.input_messages.0.message.content': 'How is it?',
  [`${ANSWER}role`]: 'assistant',
  [`${ANSWER}content`]: 'It snows.',
  'llm.token_count.prompt': 5,
  'llm.token_count.completion': 2,
};

describe('Prism', () => {
  test.each([
    ['Stop', 'stop'],
    ['Length', 'length'],
    ['ToolCalls', 'tool_calls'],
    ['ContentFilter', 'content_filter'],
  ])('says in the message that the reason is %s', (word, reason) => {
    expect(read({ ...STEP, [`${ANSWER}finish_reason`]: word }).finishReason).toBe(reason);
  });

  test('names the answer beside it', () => {
    const attributes = { 'llm.response.id': 'r1', 'llm.response.model': 'gpt-4o-2024', 'llm.service_tier': 'default' };
    const { metadata, callId } = read({ ...STEP, ...attributes });
    expect(metadata).toMatchObject({ response_id: 'r1', response_model: 'gpt-4o-2024', service_tier: 'default' });
    expect(callId).toBe('r1');
  });

  test.each([
    [{}, true],
    [{ [`${ANSWER}finish_reason`]: 'Stop' }, false],
    [{ 'llm.response.id': 'r1' }, false],
    [{ 'llm.response.model': 'm' }, false],
    [{ 'llm.service_tier': 'default' }, false],
  ])('is read the long way where it says more: %j', (more, isShort) => {
    const span = makeSpan({ ...STEP, ...more });
    const { recognitions, kind } = classifySpan(span) ?? {};
    expect(shortWayOf(recognitions)?.(span, kind as 'model') !== undefined).toBe(isShort);
  });
});
