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

describe('what a tool was given', () => {
  it.each([
    ['{"args":["Oslo"],"kwargs":{}}', 'agentops.entity.input'],
    ['{"city":"Bergen"}', 'agentops.entity.input'],
  ])('is in the parameters of AgentOps, which are no schema, beside %s', (given, key) => {
    const tool = { 'agentops.span.kind': 'tool', 'tool.name': 'rain', 'tool.parameters': '{"city":"Oslo"}' };
    const reading = read({ ...tool, [key]: given });
    expect(reading.inputs).toEqual({ city: 'Oslo' });
    expect(reading.toolParameters).toBeUndefined();
  });

  it('stands beside its schema from VoltAgent', () => {
    const schema = '{"type":"object","properties":{"city":{"type":"string"}}}';
    const tool = { 'entity.type': 'agent', ...ENTITY, 'span.type': 'tool', 'tool.parameters': schema };
    const reading = read({ ...tool, input: '{"city":"Oslo"}' }, { scope: '@voltagent/core' });
    expect(reading).toMatchObject({ inputs: { city: 'Oslo' }, toolParameters: JSON.parse(schema) });
  });
});

describe('LangWatch', () => {
  it.each([
    ["{'answer': 'Oslo', 'sure': None}", "{'answer': 'Oslo', 'sure': None}"],
    ['{"type":"text","value":"{\\"choices\\":[\\"a\\"]}"}', '{"choices":["a"]}'],
    ["{'type': 'text', 'value': 'Oslo'}", 'Oslo'],
  ])('takes a value out of its envelope, and nothing apart that a model has said: %s', (value, output) => {
    expect(read({ 'langwatch.span.type': 'llm', 'langwatch.output': value }).output).toBe(output);
  });

  it('names the version of its prompt, which is a number', () => {
    const prompt = { 'langwatch.prompt.handle': 'geo', 'langwatch.prompt.version.number': 3 };
    const { metadata } = read({ 'langwatch.span.type': 'llm', ...prompt });
    expect(metadata).toMatchObject({ prompt_name: 'geo', prompt_version: 3 });
  });

  it('puts what was found beside the inputs of the app, and in the place of none', () => {
    const found = { 'langwatch.span.type': 'rag', 'langwatch.contexts': '{"type":"json","value":[{"id":"a"}]}' };
    const asked = (value: unknown) => JSON.stringify({ type: 'json', value });
    const output = { 'langwatch.output': '{"type":"text","value":"Oslo"}' };
    expect(read({ ...found, ...output, 'langwatch.input': asked({ q: 1 }) }).inputs).toEqual({
      contexts: [{ id: 'a' }],
      q: 1,
    });
    expect(read({ ...found, ...output, 'langwatch.input': asked({ contexts: 'own' }) }).inputs).toEqual({
      contexts: 'own',
    });
  });
});
