/** Tools that the provider runs itself: nobody has to answer them, and nobody has said them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { read } from '../span.ts';

type Item = Record<string, unknown>;

const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Done.' }] };
const answer = { role: 'assistant', content: 'Done.' };

function readOutput(value: unknown) {
  const reader = new MessageReader();
  return { messages: reader.readOutput(value), calls: reader.providerCalls.toList() };
}

describe('items of the Responses API', () => {
  it.each<[Item, Item]>([
    [
      { type: 'file_search_call', id: 'fs_1', status: 'completed', queries: ['a'], results: [{ text: 'b' }] },
      { id: 'fs_1', name: 'file_search', input: { queries: ['a'] }, result: [{ text: 'b' }] },
    ],
    [
      { type: 'code_interpreter_call', id: 'ci_1', code: '1+1', container_id: 'c', outputs: [{ logs: '2' }] },
      {
        id: 'ci_1',
        name: 'code_interpreter',
        input: { code: '1+1', container_id: 'c' },
        result: [{ logs: '2' }],
      },
    ],
    [
      { type: 'mcp_call', id: 'mcp_1', server_label: 's', name: 'find', arguments: '{"q":"x"}', output: 'y' },
      { id: 'mcp_1', name: 'find', input: { q: 'x' }, result: 'y' },
    ],
    [
      { type: 'image_generation_call', id: 'ig_1', result: 'aGk=' },
      { id: 'ig_1', name: 'image_generation', result: 'aGk=' },
    ],
    [
      { type: 'weather_map_call', id: 'wm_1', action: { city: 'Oslo' } },
      { id: 'wm_1', name: 'weather_map', input: { city: 'Oslo' } },
    ],
    [
      { type: 'hosted_tool_call', id: 'h_1', name: 'web_search_call', arguments: '{"q":1}' },
      { id: 'h_1', name: 'web_search', input: { q: 1 } },
    ],
  ])('%o', (item, call) => {
    expect(readOutput([item, said])).toEqual({ messages: [answer], calls: [call] });
    expect(readOutput({ object: 'response', output: [item, said] }).messages).toEqual([answer]);
  });

  it('stay calls of the app if they have a call id', () => {
    const items = [{ type: 'computer_call', id: 'cu_1', call_id: 'call_1', action: { type: 'click', x: 1 } }];
    const output = { type: 'computer_call_output', call_id: 'call_1', output: 'clicked' };
    const messages = new MessageReader().read([{ role: 'user', content: 'Go' }, ...items, output]);
    expect(messages.slice(1)).toEqual([
      {
        role: 'assistant',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'computer', arguments: '{"type":"click","x":1}' } },
        ],
      },
      { role: 'tool', content: 'clicked', tool_call_id: 'call_1' },
    ]);
  });

  it('are not calls of the app if the same answer has their output', () => {
    const shell = { type: 'shell_call', id: 'sh_1', call_id: 'call_1', action: { commands: ['ls'] } };
    const output = { type: 'shell_call_output', id: 'sho_1', call_id: 'call_1', output: [{ stdout: 'a' }] };
    expect(readOutput([shell, output, said])).toEqual({
      messages: [answer],
      calls: [{ id: 'call_1', name: 'shell', input: { commands: ['ls'] }, result: [{ stdout: 'a' }] }],
    });
  });

  it('of types yet to come are nobody’s words', () => {
    const history = [{ role: 'user', content: 'Hi' }, { type: 'moon_phase', id: 'x', value: 3 }, said];
    expect(new MessageReader().read(history)).toEqual([{ role: 'user', content: 'Hi' }, answer]);
  });
});

describe('blocks of other providers', () => {
  const text = { type: 'text', text: 'Done.' };

  it.each<[string, unknown, Item]>([
    [
      'Anthropic’s server tools',
      [
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_fetch', input: { url: 'u' } },
        { type: 'web_fetch_tool_result', tool_use_id: 'srvtoolu_1', content: { type: 'web_fetch_result' } },
      ],
      { id: 'srvtoolu_1', name: 'web_fetch', input: { url: 'u' }, result: { type: 'web_fetch_result' } },
    ],
    [
      'Anthropic’s MCP servers',
      [
        { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'find', server_name: 's', input: { q: 1 } },
        { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', content: 'found' },
      ],
      { id: 'mcptoolu_1', name: 'find', input: { q: 1 }, result: 'found' },
    ],
    [
      'calls that the AI SDK marks',
      [
        { type: 'tool-call', toolCallId: 'c1', toolName: 'search', input: { q: 1 }, providerExecuted: true },
        { type: 'tool-result', toolCallId: 'c1', toolName: 'search', result: 'r', providerExecuted: true },
      ],
      { id: 'c1', name: 'search', input: { q: 1 }, result: 'r' },
    ],
    [
      'calls that Pydantic AI marks',
      [
        { type: 'tool_call', id: 'c1', name: 'search', arguments: '{"q":1}', builtin: true },
        { type: 'tool_call_response', id: 'c1', name: 'search', result: 'r', builtin: true },
      ],
      { id: 'c1', name: 'search', input: { q: 1 }, result: 'r' },
    ],
    [
      'Gemini’s code execution',
      [
        { executableCode: { language: 'PYTHON', code: '1+1' } },
        { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '2' } },
      ],
      {
        name: 'code_execution',
        input: { language: 'PYTHON', code: '1+1' },
        result: { outcome: 'OUTCOME_OK', output: '2' },
      },
    ],
    [
      'Bedrock’s system tools',
      [
        { toolUse: { toolUseId: 't1', name: 'nova_grounding', input: { q: 1 }, type: 'server_tool_use' } },
        { toolResult: { toolUseId: 't1', content: [{ text: 'x' }], type: 'nova_grounding_result' } },
      ],
      { id: 't1', name: 'nova_grounding', input: { q: 1 }, result: 'x' },
    ],
    [
      'blocks that LangChain does not know',
      [{ type: 'non_standard', value: { type: 'web_search_call', id: 'ws_1', action: { q: 1 } } }],
      { id: 'ws_1', name: 'web_search', input: { q: 1 } },
    ],
    [
      'the GenAI conventions',
      [
        { type: 'server_tool_call', id: 's1', name: 'search', server_tool_call: { type: 'search', q: 1 } },
        { type: 'server_tool_call_response', id: 's1', server_tool_call_response: { type: 'search', hits: 2 } },
      ],
      { id: 's1', name: 'search', input: { type: 'search', q: 1 }, result: { type: 'search', hits: 2 } },
    ],
  ])('%s', (_name, blocks, call) => {
    const content = [...(blocks as Item[]), text];
    expect(readOutput({ role: 'assistant', content })).toEqual({ messages: [answer], calls: [call] });
  });

  it('stay calls of the app if the app runs them', () => {
    const use = { type: 'tool_use', id: 'toolu_1', name: 'find', input: { q: 1 } };
    expect(readOutput({ role: 'assistant', content: [use] }).messages[0]?.tool_calls).toHaveLength(1);
  });
});

it('has results in messages of the role `tool`', () => {
  const reader = new MessageReader();
  const messages = reader.read([
    { role: 'assistant', parts: [{ type: 'server_tool_call', id: 's1', name: 'f', server_tool_call: { q: 1 } }] },
    { role: 'tool', parts: [{ type: 'server_tool_call_response', id: 's1', server_tool_call_response: { n: 1 } }] },
  ]);
  expect(messages).toEqual([]);
  expect(reader.inputProviderCalls.toList()).toEqual([{ id: 's1', name: 'f', input: { q: 1 }, result: { n: 1 } }]);
});

it('leaves a text about such an item as it is', () => {
  const text = '[{"type":"web_search_call","id":"ws_1"}]';
  expect(new MessageReader().read([{ role: 'user', content: text }])).toEqual([{ role: 'user', content: text }]);
});

it('is never a message, wherever it stands in a conversation', () => {
  const word = fc.stringMatching(/^[a-z]{3,8}$/).filter((it) => !['function', 'tool', 'custom'].includes(it));
  const suffix = fc.constantFrom('_call', '_tool_result', '_request', '_response');
  const item = fc.record({ type: fc.tuple(word, suffix).map((all) => all.join('')), id: word, data: fc.jsonValue() });
  const turns = [{ role: 'user', content: 'One' }, said, { role: 'user', content: 'Two' }];
  const plain = new MessageReader().read(turns);
  fc.assert(
    fc.property(item, fc.nat(turns.length), (added, at) => {
      expect(new MessageReader().read(turns.toSpliced(at, 0, added as never))).toEqual(plain);
      expect(readOutput([said].toSpliced(at % 2, 0, added as never)).messages).toEqual([answer]);
    }),
  );
});

it('is found among blocks that an instrumentation has made a text', () => {
  const blocks = [
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'bash_code_execution', input: { command: 'ls' } },
    { type: 'bash_code_execution_tool_result', tool_use_id: 'srvtoolu_1', content: { stdout: 'a' } },
    { type: 'text', text: 'Done.' },
  ];
  const reading = read({
    'llm.request.type': 'chat',
    'gen_ai.request.model': 'claude-sonnet-4-5',
    'gen_ai.completion.0.role': 'assistant',
    'gen_ai.completion.0.content': JSON.stringify(blocks),
  });
  expect(reading.output).toBe('Done.');
  expect(reading.contentMetadata?.['provider_tool_calls']).toEqual([
    { id: 'srvtoolu_1', name: 'bash_code_execution', input: { command: 'ls' }, result: { stdout: 'a' } },
  ]);
});

it('does not change the finish reason of calls beside the text', () => {
  const reading = read({
    'sentry.op': 'gen_ai.chat',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-5-mini',
    'gen_ai.system': 'openai',
    'gen_ai.response.text': 'Done.',
    'gen_ai.response.tool_calls': '[{"type":"web_search_call","id":"ws_1","action":{"query":"x"}}]',
    'gen_ai.response.finish_reasons': '["stop"]',
  });
  expect(reading).toMatchObject({ output: 'Done.', finishReason: 'stop', outputMessage: answer });
  expect(reading.contentMetadata?.['provider_tool_calls']).toEqual([
    { id: 'ws_1', name: 'web_search', input: { query: 'x' } },
  ]);
});

describe('a call in a list of calls that names a tool by its type alone', () => {
  const listed = (item: Item) => readOutput({ ...answer, tool_calls: [item] });

  it.each<[Item, Item]>([
    [
      { type: 'web_search', id: 'w', action: { query: 'q' } },
      { id: 'w', name: 'web_search', input: { query: 'q' } },
    ],
    [
      { type: 'bing_grounding', id: 'b', bing_grounding: { requesturl: 'u' } },
      { id: 'b', name: 'bing_grounding', input: { bing_grounding: { requesturl: 'u' } } },
    ],
    [
      { type: 'mcp', id: 'm', name: 'find', arguments: '{}' },
      { id: 'm', name: 'find', input: {} },
    ],
  ])('is one of the provider: %j', (item, call) => {
    expect(listed(item)).toEqual({ messages: [answer], calls: [call] });
  });

  it.each<[Item, string]>([
    [{ type: 'computer', call_id: 'c', action: { type: 'click' } }, 'computer'],
    [{ type: 'function', id: 'c', function: { name: 'f', arguments: '{}' } }, 'f'],
    [{ type: 'tool_call', id: 'c', name: 'f', args: {} }, 'f'],
    [{ type: 'client', id: 'c', name: 'f', arguments: '{}' }, 'f'],
    [{ type: 'client', id: 'c', toolName: 'f', args: {} }, 'f'],
    [{ type: 'weather', id: 'c', args: { city: 'Oslo' } }, 'weather'],
    [{ type: 'bash', id: 'c', input: { command: 'ls' } }, 'bash'],
  ])('waits for the app: %j', (item, name) => {
    const { messages, calls } = listed(item);
    expect(calls).toBeUndefined();
    expect(messages).toMatchObject([{ tool_calls: [{ id: 'c', function: { name } }] }]);
  });
});
