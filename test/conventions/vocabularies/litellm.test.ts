import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const scope = 'litellm';

describe('a LiteLLM span', () => {
  it.each([
    ['litellm_request', { 'gen_ai.operation.name': 'acompletion', 'llm.request.type': 'acompletion' }, 'model'],
    [
      'litellm_request',
      { 'gen_ai.operation.name': 'atext_completion', 'llm.request.type': 'atext_completion' },
      'model',
    ],
    ['litellm_request', { 'gen_ai.operation.name': 'aembedding', 'llm.request.type': 'aembedding' }, 'generic'],
    ['raw_gen_ai_request', { 'llm.openai.model': 'gpt-4o' }, undefined],
    ['Received Proxy Server Request', {}, undefined],
    ['Received Proxy Server Request', { 'gen_ai.operation.name': 'completion' }, 'model'],
  ])('%s %o', (name, attributes, kind) => {
    expect(kindOf(attributes, { name, scope })).toBe(kind);
  });

  it('has the caller, never the key', () => {
    const reading = read(
      {
        'gen_ai.operation.name': 'completion',
        'metadata.user_api_key_hash': 'secret',
        'metadata.user_api_key_alias': 'team key',
        'metadata.user_api_key_team_alias': 'None',
        'metadata.requester_metadata': '{"ticket":7}',
        'gen_ai.system_instructions': '[{"role":"system","parts":[{"type":"text","content":"be brief"}]}]',
      },
      { scope },
    );
    expect(reading.contentMetadata).toEqual({ ticket: 7, user_api_key_alias: 'team key' });
    expect(reading.messages).toEqual([{ role: 'system', content: 'be brief' }]);
    expect(JSON.stringify(reading)).not.toContain('secret');
  });
});
