import { describe, expect, it } from 'vitest';
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

describe('a turn of the user', () => {
  const stt = { 'gen_ai.request.model': 'nova-2', 'gen_ai.provider.name': 'Deepgram' };
  const turn = { name: 'user_turn', scope: 'livekit-agents' };

  it('is no call of the model that hears it, also while it is open', () => {
    expect(kindOf({ ...stt, 'lk.user_transcript': 'Hello' }, turn)).toBe('generic');
    expect(kindOf(stt, turn)).toBeUndefined();
  });

  it('is one of LiveKit only', () => {
    expect(kindOf({ 'lk.user_transcript': 'Hello' }, { ...turn, scope: 'app' })).toBeUndefined();
    expect(kindOf(stt, { ...turn, scope: 'app' })).toBe('model');
    expect(kindOf({ 'lk.user_transcript': 'Hello' }, { ...turn, name: 'answering_machine_detection' })).toBeUndefined();
  });
});
