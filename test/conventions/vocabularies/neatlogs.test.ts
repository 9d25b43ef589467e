import { expect, it } from 'vitest';
import { read } from '../span.ts';

const CALL = { 'neatlogs.span.kind': 'llm', 'neatlogs.llm.model_name': 'm' };

it('leaves JSON that a model answered as it is, also where that looks like content', () => {
  const answer = '[{"type":"text","text":"Oslo"}]';
  const { output, outputMessage } = read({
    ...CALL,
    'neatlogs.llm.output_messages.0.role': 'assistant',
    'neatlogs.llm.output_messages.0.content': answer,
  });
  expect(output).toBe(answer);
  expect(outputMessage).toEqual({ role: 'assistant', content: answer });
});

it('gives the first of several answers the calls', () => {
  const call = 'neatlogs.llm.tool_calls.0';
  const { outputMessage, contentMetadata } = read({
    ...CALL,
    'neatlogs.llm.output_messages.0.role': 'assistant',
    'neatlogs.llm.output_messages.0.content': 'I look.',
    'neatlogs.llm.output_messages.1.role': 'assistant',
    'neatlogs.llm.output_messages.1.content': 'Rain.',
    ...{ [`${call}.id`]: 'c', [`${call}.name`]: 'weather', [`${call}.arguments`]: '{}' },
  });
  expect(outputMessage?.content).toBe('I look.');
  expect(outputMessage?.tool_calls).toHaveLength(1);
  expect(contentMetadata?.['choices']).toEqual([{ role: 'assistant', content: 'Rain.' }]);
});

it('takes the quotes of JSON off a text that a step returned', () => {
  const kinds = { 'neatlogs.span.kind': 'chain', 'openinference.span.kind': 'CHAIN' };
  expect(read({ ...kinds, 'output.value': '"Oslo"' }).output).toBe('Oslo');
  expect(read({ 'openinference.span.kind': 'CHAIN', 'output.value': '"Oslo"' }).output).toBe('"Oslo"');
});

it('leaves the messages of an instrumentation of OpenInference to that', () => {
  const { messages, output, promptTokens } = read({
    ...CALL,
    'openinference.span.kind': 'LLM',
    'input.value': '{"args":["Weather?"]}',
    'output.value': '{"raw":1}',
    'llm.input_messages.0.message.role': 'user',
    'llm.input_messages.0.message.content': 'Weather?',
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.content': 'Rain.',
    'llm.token_count.prompt': 3,
  });
  expect({ messages, output, promptTokens }).toEqual({
    messages: [{ role: 'user', content: 'Weather?' }],
    output: 'Rain.',
    promptTokens: 3,
  });
});
