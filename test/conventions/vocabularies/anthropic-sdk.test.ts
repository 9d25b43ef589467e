import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const scope = 'com.anthropic.sdk.typescript.bedrock';

describe("a span of Anthropic's SDK", () => {
  it.each([
    ['anthropic.messages.create', { 'gen_ai.operation.name': 'chat' }, 'model'],
    ['anthropic.messages.tool_runner', { 'gen_ai.operation.name': 'invoke_agent' }, 'agent'],
    ['anthropic.custom_tool_use f', { 'gen_ai.operation.name': 'execute_tool' }, 'tool'],
    ['anthropic.files.upload', { 'gen_ai.provider.name': 'anthropic', 'http.request.method': 'POST' }, undefined],
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
});
