import { describe, expect, it } from 'vitest';
import { googleAdk } from '../../../src/conventions/vocabularies/google-adk.ts';
import { kindOf, makeSpan, read, readWith } from '../span.ts';

const scope = 'gcp.vertex.agent';

const request = {
  model: 'gemini-2.5-flash',
  contents: [
    { role: 'user', parts: [{ text: 'Weather?' }] },
    { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'get_weather', args: { location: 'Paris' } } }] },
    { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'get_weather', response: { temp: 57 } } }] },
  ],
  config: {
    systemInstruction: 'be brief',
    temperature: 0.2,
    topP: 0.9,
    maxOutputTokens: 100,
    httpOptions: { headers: { key: 'secret' } },
    tools: [{ functionDeclarations: [{ name: 'get_weather', parameters: { type: 'OBJECT' } }] }],
  },
};

const call = (response: unknown, more = {}) =>
  read(
    {
      'gen_ai.system': scope,
      'gen_ai.request.model': 'gemini-2.5-flash',
      'gcp.vertex.agent.llm_request': JSON.stringify(request),
      'gcp.vertex.agent.llm_response': JSON.stringify(response),
      ...more,
    },
    { name: 'call_llm', scope },
  );

describe('a span of the Agent Development Kit', () => {
  it.each([
    ['call_llm', {}, 'model'],
    ['invocation', {}, 'generic'],
    ['invoke_agent bot', { 'gen_ai.operation.name': 'invoke_agent' }, 'agent'],
    ['agent_run [bot]', {}, 'agent'],
    ['execute_tool get_weather', { 'gen_ai.operation.name': 'execute_tool' }, 'tool'],
    [
      'execute_tool (merged tools)',
      { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': '(merged tools)' },
      undefined,
    ],
  ])('%s', (name, attributes, kind) => {
    expect(kindOf(attributes, { name, scope })).toBe(kind);
  });

  it.each([
    [
      'camel case',
      {
        content: { role: 'model', parts: [{ text: 'rainy' }] },
        finishReason: 'MAX_TOKENS',
        usageMetadata: { promptTokenCount: 42, candidatesTokenCount: 9, thoughtsTokenCount: 3 },
      },
    ],
    [
      'snake case',
      {
        content: { role: 'model', parts: [{ text: 'rainy' }] },
        finish_reason: 'MAX_TOKENS',
        usage_metadata: { prompt_token_count: 42, candidates_token_count: 9, thoughts_token_count: 3 },
      },
    ],
  ])('reads request and response in %s', (_what, response) => {
    const reading = call(response);
    expect(reading).toMatchObject({
      model: 'gemini-2.5-flash',
      temperature: 0.2,
      topP: 0.9,
      maxTokens: 100,
      tools: [{ name: 'get_weather', parameters: { type: 'OBJECT' } }],
      output: 'rainy',
      finishReason: 'length',
      promptTokens: 42,
      outputTokens: 9,
      metadata: { reasoning_tokens: 3 },
    });
    expect(reading.messages).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"location":"Paris"}' } },
        ],
      },
      { role: 'tool', content: '{"temp":57}', name: 'get_weather', tool_call_id: 'c1' },
    ]);
    expect(reading.error).toBeUndefined();
    expect(JSON.stringify(reading)).not.toContain('secret');
  });

  it('reads placeholders as no content', () => {
    const reading = read(
      {
        'gen_ai.system': scope,
        'gen_ai.request.model': 'gemini-2.5-flash',
        'gcp.vertex.agent.llm_request': '{}',
        'gcp.vertex.agent.llm_response': '{}',
      },
      { name: 'call_llm', scope },
    );
    expect(reading).toMatchObject({ model: 'gemini-2.5-flash', provider: scope });
    for (const field of ['messages', 'output', 'outputMessage', 'providerRequest', 'error'])
      expect(reading).not.toHaveProperty(field);
  });

  it('has failed if it ends without attributes, but not while it is open', () => {
    expect(read({}, { name: 'call_llm', scope }).error).toEqual({ type: 'no response' });
    expect(readWith(googleAdk, { ...makeSpan({}, { name: 'call_llm', scope }), ended: false }).error).toBeUndefined();
    expect(call({ errorCode: 'RESOURCE_EXHAUSTED', errorMessage: 'quota' }).error).toEqual({
      type: 'RESOURCE_EXHAUSTED',
      message: 'quota',
    });
  });

  it('reads arguments and result of a tool', () => {
    const reading = read(
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'get_weather',
        'gcp.vertex.agent.tool_call_args': '{"location":"Paris"}',
        'gcp.vertex.agent.tool_response': '{"temp":57}',
        'gcp.vertex.agent.llm_request': '{}',
      },
      { name: 'execute_tool get_weather', scope },
    );
    expect(reading).toMatchObject({ name: 'get_weather', inputs: { location: 'Paris' }, output: '{"temp":57}' });
  });

  it('has failed as a tool without a result, or as a node whose status says so', () => {
    const tool = makeSpan({}, { name: 'execute_tool get_weather', scope });
    expect(readWith(googleAdk, tool)).toMatchObject({ name: 'get_weather', error: { type: 'no result' } });
    expect(readWith(googleAdk, { ...tool, ended: false }).error).toBeUndefined();
    const node = { 'gen_ai.operation.name': 'execute_node', 'adk.node.path': 'pipeline.one' };
    const failed = read({ ...node, 'adk.node.status': 'failed' }, { name: 'execute_node one', scope });
    expect(failed).toMatchObject({
      name: 'one',
      error: { type: 'node failed' },
      metadata: { node_path: 'pipeline.one' },
    });
    expect(
      read({ ...node, 'adk.node.status': 'completed' }, { name: 'execute_node one', scope }).error,
    ).toBeUndefined();
  });
});
