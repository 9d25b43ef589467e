import { expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const tool = { 'lk.function_tool.name': 'weather', 'lk.function_tool.id': 'call_1' };

it.each(['lk.function_tool', 'lk.pii.function_tool'])("LiveKit's tool: %s", (prefix) => {
  const span = { ...tool, [`${prefix}.arguments`]: '{"city":"Oslo"}', [`${prefix}.output`]: 'rain' };
  expect(kindOf(span)).toBe('tool');
  expect(read(span)).toMatchObject({
    name: 'weather',
    inputs: { city: 'Oslo' },
    output: 'rain',
    metadata: { tool_call_id: 'call_1' },
  });
});

it('a tool that failed says so in its output', () => {
  const failed = { ...tool, 'lk.function_tool.is_error': true, 'lk.function_tool.output': 'no such city' };
  expect(read(failed)).toMatchObject({ error: { type: 'tool error', message: 'no such city' } });
  expect(read(failed).output).toBeUndefined();
});

it('nodes and turns around the calls are no logs', () => {
  expect(kindOf({ 'lk.chat_ctx': '{}', 'lk.response.text': 'Hi' })).toBeUndefined();
});
