import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const strands = { 'gen_ai.system': 'strands-agents' };
const blocks = (...content: unknown[]) => JSON.stringify(content);

describe('a Strands span', () => {
  it.each([
    ['chat', { 'gen_ai.operation.name': 'chat' }, 'model'],
    ['execute_tool', { 'gen_ai.operation.name': 'execute_tool' }, 'tool'],
    ['invoke_agent', { 'gen_ai.operation.name': 'invoke_agent' }, 'agent'],
    ['execute_agent_loop_cycle', { 'agent_loop.cycle_id': 'cycle-1' }, undefined],
    ['execute_event_loop_cycle', { 'event_loop.cycle_id': 'c' }, undefined],
  ])('%s', (name, attributes, kind) => {
    expect(kindOf(attributes, { name, scope: 'strands-agents' })).toBe(kind);
  });

  it('has its messages in events, with blocks as JSON', () => {
    const { messages, outputMessage, finishReason } = read(
      { ...strands, 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' },
      {
        events: [
          { name: 'gen_ai.user.message', attributes: { content: blocks({ text: 'Weather?' }) } },
          {
            name: 'gen_ai.assistant.message',
            attributes: {
              content: blocks({ toolUse: { toolUseId: 't1', name: 'get_weather', input: { location: 'Paris' } } }),
            },
          },
          {
            name: 'gen_ai.tool.message',
            attributes: {
              content: blocks({ toolResult: { toolUseId: 't1', status: 'success', content: [{ text: 'rainy' }] } }),
            },
          },
          {
            name: 'gen_ai.choice',
            attributes: { finish_reason: 'endTurn', message: blocks({ text: 'It is rainy.' }) },
          },
        ],
      },
    );
    expect(messages).toEqual([
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        tool_calls: [
          { id: 't1', type: 'function', function: { name: 'get_weather', arguments: '{"location":"Paris"}' } },
        ],
      },
      { role: 'tool', content: 'rainy', tool_call_id: 't1' },
    ]);
    expect(outputMessage).toEqual({ role: 'assistant', content: 'It is rainy.' });
    expect(finishReason).toBe('stop');
  });

  it('has the arguments and the result of a tool in events too', () => {
    const tool = { ...strands, 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'get_weather' };
    const old = read(tool, {
      events: [
        { name: 'gen_ai.tool.message', attributes: { role: 'tool', content: '{"location":"Paris"}', id: 't1' } },
        { name: 'gen_ai.choice', attributes: { message: '[{"text":"rainy"}]', id: 't1' } },
      ],
    });
    const latest = read(tool, {
      events: [
        {
          name: 'gen_ai.client.inference.operation.details',
          attributes: {
            'gen_ai.input.messages':
              '[{"role":"tool","parts":[{"type":"tool_call","arguments":{"location":"Paris"}}]}]',
          },
        },
        {
          name: 'gen_ai.client.inference.operation.details',
          attributes: {
            'gen_ai.output.messages':
              '[{"role":"tool","parts":[{"type":"tool_call_response","response":[{"text":"rainy"}]}]}]',
          },
        },
      ],
    });
    for (const reading of [old, latest]) {
      expect(reading).toMatchObject({
        name: 'get_weather',
        inputs: { location: 'Paris' },
        output: 'rainy',
      });
    }
  });

  it('has failed if the tool status says so', () => {
    const attributes = { ...strands, 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.status': 'error' };
    expect(read(attributes).error).toEqual({ type: 'tool error' });
  });

  it('is recognised under the app’s service name, and has failed if the node status says so', () => {
    const named = { 'gen_ai.system': 'shop', 'gen_ai.event.start_time': '2026-11-22T10:00:00.000Z' };
    expect(read({ ...named, 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' }).provider).toBe(
      'strands-agents',
    );
    const node = { ...named, 'gen_ai.operation.name': 'execute_node', 'gen_ai.agent.id': 'writer' };
    expect(read({ ...node, 'gen_ai.agent.status': 'FAILED' })).toMatchObject({
      name: 'writer',
      error: { type: 'node failed' },
    });
    expect(read({ ...node, 'gen_ai.agent.status': 'COMPLETED' }).error).toBeUndefined();
  });
});
