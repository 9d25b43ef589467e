import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const scope = 'com.anthropic.claude_code.tracing';

describe('a Claude Code span', () => {
  it.each([
    ['llm_request', 'model'],
    ['tool', 'tool'],
    ['interaction', 'agent'],
    ['tool.execution', undefined],
    ['tool.blocked_on_user', undefined],
    ['hook', undefined],
  ])('%s: %s', (type, kind) => {
    expect(kindOf({ 'span.type': type }, { name: `claude_code.${type}`, scope })).toBe(kind);
    expect(kindOf({}, { name: `claude_code.${type}` })).toBe(kind);
  });

  it('has failed if it did not succeed', () => {
    const attributes = { 'span.type': 'llm_request', success: false, error: 'overloaded', status_code: 529 };
    expect(read(attributes, { scope }).error).toEqual({ message: 'overloaded', httpStatus: 529 });
    expect(read({ 'span.type': 'llm_request', success: true }, { scope }).error).toBeUndefined();
  });

  it('shows a prompt, unless it is hidden', () => {
    expect(read({ 'span.type': 'interaction', user_prompt: 'hi' }, { scope }).inputs).toEqual({ input: 'hi' });
    expect(read({ 'span.type': 'interaction', user_prompt: '<REDACTED>' }, { scope })).not.toHaveProperty('inputs');
  });
});
