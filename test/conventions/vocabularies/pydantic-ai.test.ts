import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const scope = 'pydantic-ai';

describe('a Pydantic AI span', () => {
  it.each([
    ['chat gpt-4o', { 'gen_ai.operation.name': 'chat' }, 'model'],
    ['running tool', { 'gen_ai.tool.name': 'f', tool_arguments: '{}' }, 'tool'],
    ['agent run', { agent_name: 'bot', model_name: 'gpt-4o' }, 'agent'],
    ['running 2 tools', { 'logfire.msg': 'running 2 tools' }, undefined],
  ])('%s', (name, attributes, kind) => {
    expect(kindOf(attributes, { name, scope })).toBe(kind);
  });

  it('has its messages as a list of events in the first version', () => {
    const { messages, outputMessage } = read(
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'gpt-4o',
        events: JSON.stringify([
          { 'event.name': 'gen_ai.system.message', role: 'system', content: 'be brief' },
          { 'event.name': 'gen_ai.user.message', content: 'Weather?' },
          {
            'event.name': 'gen_ai.assistant.message',
            role: 'assistant',
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          { 'event.name': 'gen_ai.tool.message', role: 'tool', id: 'c1', name: 'f', content: 'rainy' },
          { 'event.name': 'gen_ai.choice', index: 0, message: { role: 'assistant', content: 'It is rainy.' } },
        ]),
      },
      { scope },
    );
    expect(messages).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', content: 'rainy', name: 'f', tool_call_id: 'c1' },
    ]);
    expect(outputMessage).toEqual({ role: 'assistant', content: 'It is rainy.' });
  });

  it('offers function and output tools, and the schema of native output', () => {
    const reading = read(
      {
        'gen_ai.operation.name': 'chat',
        model_request_parameters: JSON.stringify({
          function_tools: [{ name: 'f', description: 'd', parameters_json_schema: { type: 'object' } }],
          output_tools: [{ name: 'final_result', parameters_json_schema: {} }],
          output_mode: 'native',
          output_object: { json_schema: { type: 'object' }, name: 'Weather' },
        }),
      },
      { scope },
    );
    expect(reading.tools).toEqual([
      { name: 'f', description: 'd', parameters: { type: 'object' } },
      { name: 'final_result', parameters: {} },
    ]);
    expect(reading).toMatchObject({ responseFormat: { type: 'json_object' }, other: { schema: { type: 'object' } } });
  });
});
