/** Spans of the GenAI conventions whose deciding attribute is missing, and attributes that others add to them. */
import { expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

it.each([
  ['a model', { 'gen_ai.output.messages': '[]', 'gen_ai.response.id': 'r1' }, 'model'],
  ['a model', { 'gen_ai.prompt': 'Hi', 'gen_ai.usage.prompt_tokens': 3 }, 'model'],
  ['an embedding', { 'gen_ai.input.messages': '["a"]', 'gen_ai.response.model': 'text-embedding-3-small' }, 'generic'],
  ['an agent', { 'gen_ai.prompt': 'Hi', 'gen_ai.usage.prompt_tokens': 3, 'gen_ai.agent.name': 'a' }, 'agent'],
  ['nothing', { 'gen_ai.prompt': 'Hi' }, undefined],
  ['nothing', { 'gen_ai.response.id': 'r1', 'gen_ai.usage.input_tokens': 3 }, undefined],
])('without an operation, contents show %s', (_what, attributes, kind) => {
  expect(kindOf(attributes)).toBe(kind);
});

it('reads the variables of a prompt without a name, and a version that is a number', () => {
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.prompt.version': 4, 'gen_ai.prompt.variable.a': 'b' };
  expect(read(chat)).toMatchObject({ inputs: { a: 'b' }, metadata: { prompt_version: 4 } });
});

it("adds what Langfuse's attributes say to a span of any other vocabulary", () => {
  const added = {
    'langfuse.observation.prompt.name': 'p',
    'langfuse.trace.metadata.branch': 'b',
    'langfuse.observation.output': 'Yes',
    'langfuse.release': 'r1',
  };
  const spans = [
    { 'openinference.span.kind': 'CHAIN' },
    { 'ai.operationId': 'ai.generateText.doGenerate' },
    { 'gen_ai.operation.name': 'execute_tool' },
    { 'gen_ai.operation.name': 'retrieval' },
  ];
  for (const span of spans) {
    expect(kindOf({ ...span, ...added })).toBe(kindOf(span));
    const { output, metadata, contentMetadata } = read({ ...span, ...added });
    expect({ output, metadata, contentMetadata }).toMatchObject({
      output: 'Yes',
      metadata: { ...read(span).metadata, prompt_name: 'p', release: 'r1' },
      contentMetadata: { branch: 'b' },
    });
  }
});

it("makes no log of a span that has only Langfuse's additions", () => {
  expect(kindOf({ 'langfuse.trace.name': 'GET /', 'langfuse.observation.prompt.name': 'p' })).toBeUndefined();
});

it('reads what memory operations look for, find and write', () => {
  const records = [{ id: 'r1', content: 'tea' }];
  const memory = { 'gen_ai.memory.records': records, 'gen_ai.memory.store.id': 's1', 'gen_ai.memory.record.id': 'r1' };
  const of = (operation: string) =>
    read({ ...memory, 'gen_ai.operation.name': operation, 'gen_ai.memory.query.text': 'q' });
  expect(of('search_memory')).toMatchObject({ inputs: { query: 'q' }, output: JSON.stringify(records) });
  expect(of('search_memory').metadata).toMatchObject({ memory_store_id: 's1', memory_record_id: 'r1' });
  for (const operation of ['create_memory', 'update_memory', 'upsert_memory', 'delete_memory']) {
    expect(of(operation)).toMatchObject({ inputs: { query: 'q', records } });
    expect(of(operation).output).toBeUndefined();
  }
});

it('keeps the arguments and the result of an operation that it does not know', () => {
  const span = {
    'gen_ai.operation.name': 'plan',
    'gen_ai.tool.call.arguments': '{"a":1}',
    'gen_ai.tool.call.result': 'ok',
  };
  expect(read(span)).toMatchObject({ inputs: { a: 1 }, output: 'ok' });
});
