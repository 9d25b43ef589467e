import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const ENTITY = { 'entity.id': '7', 'entity.name': 'users' };

describe('words that platforms write', () => {
  it.each([
    ['app', { 'entity.type': 'model', ...ENTITY }, undefined],
    ['app', { 'entity.type': 'agent', ...ENTITY }, undefined],
    ['app', { input: 'a form', output: 'a page' }, undefined],
    ['@voltagent/core', { 'entity.type': 'agent', ...ENTITY }, 'agent'],
    ['app', { 'lmnr.span.type': 'LLM' }, 'model'],
  ])('of scope %s: %o', (scope, attributes, kind) => {
    expect(kindOf(attributes, { scope })).toBe(kind);
  });

  it('are not content of a call that another scope reports', () => {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm', input: 'a', output: 'b' };
    expect(read(attributes, { scope: 'app' })).toMatchObject({ model: 'm' });
    expect(read(attributes, { scope: 'app' }).messages).toBeUndefined();
    expect(read(attributes, { scope: 'pipecat' }).messages).toEqual([{ role: 'user', content: 'a' }]);
  });
});
