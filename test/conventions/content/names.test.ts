/** Words in places for names: those that stand for nothing, and finish reasons however they are spelt. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toFinishReason } from '../../../src/conventions/content/messages/finish-reason.ts';
import { read } from '../span.ts';

const FILLER = ['none', 'None', 'NULL', 'null', 'undefined', ' ', ''];

it.each(FILLER)('takes %j for no name', (filler) => {
  const call = read({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': filler,
    'gen_ai.response.model': filler,
    'gen_ai.provider.name': filler,
    'gen_ai.system': 'openai',
    'gen_ai.response.id': filler,
    'gen_ai.response.finish_reasons': [filler],
    'error.type': filler,
  });
  expect(call).toEqual({ endpoint: 'chat', provider: 'openai', metadata: { convention: 'gen-ai' } });
});

it('looks for another name where one stands for nothing, in every vocabulary', () => {
  expect(
    read({ 'ai.operationId': 'ai.generateText.doGenerate', 'gen_ai.request.model': 'none', 'ai.model.id': 'm' }),
  ).toMatchObject({ model: 'm' });
  const chat = { 'openinference.span.kind': 'LLM', 'llm.request.model_name': 'None', 'llm.model_name': 'm' };
  expect(read({ ...chat, 'llm.provider': 'none', 'llm.system': 'openai' })).toMatchObject({
    model: 'm',
    provider: 'openai',
  });
  expect(
    read({
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': 'null',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'm',
    }),
  ).toMatchObject({ model: 'm' });
});

it.each([
  ['FinishReason.MAX_TOKENS', 'length'],
  ['FINISH_REASON_SAFETY', 'content_filter'],
  ['FinishReasons.STOP', 'stop'],
  ['ToolCalls', 'tool_calls'],
  ['tool execution', 'tool_calls'],
  ['MaxOutputTokens', 'length'],
  ["<FinishReason.RECITATION: 'RECITATION'>", 'content_filter'],
  ['["END_TURN"]', 'stop'],
  ['ERROR', 'error'],
  ['MALFORMED_FUNCTION_CALL', 'MALFORMED_FUNCTION_CALL'],
  ['Some(Length)', 'length'],
  ['Some("stop")', 'stop'],
  ['[Some(ToolCalls)]', 'tool_calls'],
  ['[Some(Stop), None]', 'stop'],
  ['Optional[MAX_TOKENS]', 'length'],
  ['[Optional[STOP]]', 'stop'],
  ['Just "stop"', 'stop'],
  ['[:stop]', 'stop'],
  ['{"unified":"content-filter","raw":"SAFETY"}', 'content_filter'],
])('reads the finish reason %s as %s', (word, reason) => {
  expect(toFinishReason(word)).toBe(reason);
});

it.each<[unknown, string | undefined]>([
  [[1], 'stop'],
  ['["2"]', 'length'],
  [8, 'content_filter'],
  [['9'], '9'],
  // Unspecified.
  [['0'], undefined],
  [0, undefined],
])("reads Google's finish reason %j as %s, and not another provider's", (reasons, reason) => {
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    'gen_ai.response.finish_reasons': reasons,
  };
  expect(read({ ...call, 'gen_ai.provider.name': 'gcp.gemini' }).finishReason).toBe(reason);
  expect(read({ ...call, 'gen_ai.provider.name': 'openai' }).finishReason ?? '0').toMatch(/^\d+$/);
});

it('knows a finish reason by its words, whatever joins them and whatever their case', () => {
  const words = fc.constantFrom(['content', 'filter'], ['max', 'tokens'], ['tool', 'calls'], ['stop', 'sequence']);
  const spell = fc.constantFrom<(word: string) => string>(
    (word) => word,
    (word) => word.toUpperCase(),
    (word) => word.slice(0, 1).toUpperCase() + word.slice(1),
  );
  fc.assert(
    fc.property(words, spell, fc.constantFrom('', '_', '-', ' '), (all, spelt, joint) => {
      expect(toFinishReason(all.map(spelt).join(joint))).toBe(toFinishReason(all.join('_')));
      expect(toFinishReason(all.join('_'))).toMatch(/^(content_filter|length|tool_calls|stop)$/);
    }),
  );
});

it.each(['none', 'None', 'null'])('a log is not named %j', (filler) => {
  const tools = [
    { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': filler },
    { 'openinference.span.kind': 'TOOL', 'tool.name': filler },
    { 'traceloop.span.kind': 'tool', 'traceloop.entity.name': filler },
  ];
  for (const tool of tools) expect(read(tool, { name: 'look_up' }).name).toBeUndefined();
  expect(read(tools[0] ?? {}, { name: 'execute_tool look_up' }).name).toBe('look_up');
});
