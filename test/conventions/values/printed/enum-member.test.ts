/** Kinds and operations that an enum's constant stands for, as languages print it. */
import { expect, it } from 'vitest';
import { constantOf } from '../../../../src/conventions/values/printed/enum-member.ts';
import { kindOf, read } from '../../span.ts';

it.each([
  ['CHAT', 'chat'],
  ['Chat', 'chat'],
  ['InvokeAgent', 'invoke_agent'],
  ['GenAiOperationNameValues.EXECUTE_TOOL', 'execute_tool'],
  ['<Operation.CHAT: 1>', 'chat'],
  ['Operation::CHAT', 'chat'],
  ['acme.chat', 'acme.chat'],
  ['chat.completions', 'chat.completions'],
  ['two words', 'two words'],
])('%s is %s', (printed, word) => {
  expect(constantOf(printed)).toBe(word);
});

it.each([
  [{ 'gen_ai.operation.name': 'CHAT', 'gen_ai.request.model': 'm' }, 'model'],
  [{ 'gen_ai.operation.name': 'InvokeAgent' }, 'agent'],
  [{ 'gen_ai.operation.name': 'acme.chat' }, 'generic'],
  [{ 'openinference.span.kind': 'OpenInferenceSpanKindValues.LLM' }, 'model'],
  [{ 'openinference.span.kind': 'Tool' }, 'tool'],
  [{ 'traceloop.span.kind': 'TraceloopSpanKindValues.AGENT' }, 'agent'],
  [{ 'traceloop.span.kind': 'TOOL' }, 'tool'],
  [{ 'llm.request.type': 'LLMRequestTypeValues.EMBEDDING' }, 'generic'],
  [{ 'llm.request.type': 'CHAT' }, 'model'],
])('%o is the log of a %s', (attributes, kind) => {
  expect(kindOf(attributes)).toBe(kind);
});

it.each(['gen_ai.response.text', 'gen_ai.request.messages', 'gen_ai.response.id'])(
  'a model with %s is that of a call, also without an operation',
  (key) => {
    expect(kindOf({ 'gen_ai.request.model': 'm', [key]: 'x' })).toBe('model');
    expect(kindOf({ 'gen_ai.request.model': 'm' })).toBeUndefined();
  },
);

it('reads a completion whose request type is a constant', () => {
  expect(read({ 'llm.request.type': 'COMPLETION', 'gen_ai.request.model': 'm' }).endpoint).toBe('complete');
  expect(read({ 'llm.request.type': 'completion', 'gen_ai.request.model': 'm' }).endpoint).toBe('complete');
});
