import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const scope = 'com.anthropic.sdk.typescript.bedrock';

describe("a span of Anthropic's SDK", () => {
  it.each([
    ['anthropic.messages.create', { 'gen_ai.operation.name': 'chat' }, 'model'],
    ['anthropic.messages.tool_runner', { 'gen_ai.operation.name': 'invoke_agent' }, 'agent'],
    ['anthropic.custom_tool_use f', { 'gen_ai.operation.name': 'execute_tool' }, 'tool'],
    ['anthropic.files.upload', { 'gen_ai.provider.name': 'anthropic', 'http.request.method': 'POST' }, undefined],
    [
      'anthropic.messages.count_tokens',
      { 'gen_ai.request.model': 'm', 'anthropic.message.count_tokens.input_tokens': 14 },
      undefined,
    ],
    ['anthropic.sessions.create', { 'gen_ai.request.model': 'm', 'gen_ai.agent.name': 'Coder' }, undefined],
    ['anthropic.agents.retrieve', { 'gen_ai.agent.id': 'a1' }, undefined],
    ['anthropic.memory_stores.memories.create', { 'gen_ai.memory.store.id': 's1' }, undefined],
    ['anthropic.sessions.events.stream', { 'anthropic.session.id': 's1', 'gen_ai.usage.input_tokens': 3 }, undefined],
    ['anthropic.environment.work', { 'anthropic.session.id': 's1' }, undefined],
    ['anthropic.tool_use bash', { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'bash' }, 'tool'],
  ])('%s', (name, attributes, kind) => {
    expect(kindOf(attributes, { name, scope })).toBe(kind);
  });

  it('reads stop reason, thinking and cache writes', () => {
    const reading = read(
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'anthropic.message.stop_reason': 'max_tokens',
        'anthropic.thinking.type': 'enabled',
        'anthropic.thinking.budget_tokens': 1024,
        'gen_ai.usage.cache_write.input_tokens': 5,
      },
      { scope },
    );
    expect(reading).toMatchObject({
      finishReason: 'length',
      other: { thinking_type: 'enabled', thinking_budget_tokens: 1024 },
      metadata: { cache_write_tokens: 5 },
    });
  });

  it('has no calls for the app that the API has run and answered itself', () => {
    const parts = [
      { type: 'tool_call', id: 'm1', name: 'search', arguments: { q: 1 }, anthropic_mcp_server_name: 'docs' },
      { type: 'tool_call_response', id: 'm1', response: [{ type: 'text', text: 'found' }] },
      { type: 'anthropic_fallback' },
      { type: 'text', content: 'Hello' },
    ];
    const { outputMessage, contentMetadata, finishReason } = read(
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'm',
        'anthropic.message.stop_reason': 'end_turn',
        'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]),
      },
      { scope },
    );
    expect({ outputMessage, finishReason }).toEqual({
      outputMessage: { role: 'assistant', content: 'Hello' },
      finishReason: 'stop',
    });
    expect(contentMetadata?.['provider_tool_calls']).toMatchObject([{ name: 'search', input: { q: 1 } }]);
  });

  it('reads what the API says of compaction, tools and content that it cut', () => {
    const { metadata } = read(
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'click',
        'anthropic.toolset.name': 'computer',
        'anthropic.session.thread.id': 't1',
        'anthropic.content.truncated': true,
        'anthropic.usage.compaction.input_tokens': 50,
      },
      { scope: 'com.anthropic.claude-platform' },
    );
    expect(metadata).toMatchObject({
      toolset_name: 'computer',
      thread_id: 't1',
      content_truncated: true,
      compaction_input_tokens: 50,
    });
  });
});
