/** Rows of texts and numbers: pairs of a role and a text, as LangChain takes messages, and data that somebody has written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const PROMPTS: Readonly<Record<string, (prompt: string) => Attributes>> = {
  'gen-ai': (prompt) => ({ 'gen_ai.operation.name': 'chat', 'gen_ai.prompt': prompt }),
  messages: (prompt) => ({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': prompt }),
  openinference: (prompt) => ({ 'openinference.span.kind': 'LLM', 'input.value': prompt }),
  langfuse: (prompt) => ({ 'langfuse.observation.type': 'generation', 'langfuse.observation.input': prompt }),
  langsmith: (prompt) => ({ 'langsmith.span.kind': 'llm', 'gen_ai.prompt': prompt }),
  mlflow: (prompt) => ({ 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.spanInputs': prompt }),
  braintrust: (prompt) => ({ 'braintrust.span_attributes': '{"type":"llm"}', 'braintrust.input_json': prompt }),
  truefoundry: (prompt) => ({ 'tfy.span_type': 'ChatCompletion', 'tfy.input': prompt }),
  platforms: (prompt) => ({ 'lmnr.span.type': 'LLM', 'lmnr.span.input': prompt }),
  openllmetry: (prompt) => ({ 'llm.request.type': 'chat', 'traceloop.entity.input': prompt }),
  'vercel-ai': (prompt) => ({ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.prompt.messages': prompt }),
};

const ROLES = ['system', 'developer', 'human', 'user', 'ai', 'assistant'];
const word = fc.constantFrom('ai', 'ml', 'system', 'Hi there', 'Paris', '42', 'assistant', '');
const cell = fc.oneof(word, fc.integer(), fc.constant(null), fc.boolean());
const row = fc.array(cell, { minLength: 1, maxLength: 3 });
const role = fc.constantFrom(...ROLES);
const pair = fc.tuple(role, word);

function isTurns(rows: readonly (readonly unknown[])[]): boolean {
  const isPaired = rows.every(
    ({ length, 0: first, 1: text }) => length === 2 && ROLES.includes(first as string) && typeof text === 'string',
  );
  return isPaired && rows.some(([first]) => first === 'user' || first === 'human');
}

describe.each(Object.entries(PROMPTS))('in a prompt of %s', (_place, spanOf) => {
  it('rows are what the user said, all of them', () => {
    const rows = fc.array(row, { minLength: 1, maxLength: 4 }).filter((table) => !isTurns(table));
    fc.assert(
      fc.property(rows, (table) => {
        const said = JSON.stringify(table);
        expect(read(spanOf(said)).messages).toEqual([{ role: 'user', content: said }]);
      }),
    );
  });

  it('numbers are one turn, such as tokens of a prompt', () => {
    for (const said of ['[9906,11,4435]', '[[9906,11],[4435]]', '[0.25]']) {
      expect(read(spanOf(said)).messages).toEqual([{ role: 'user', content: said }]);
    }
  });

  it('pairs with a turn of the user are turns', () => {
    const pairs = fc.array(pair, { minLength: 1, maxLength: 4 }).filter(isTurns);
    fc.assert(
      fc.property(pairs, (turns) => {
        const { messages } = read(spanOf(JSON.stringify(turns)));
        expect(messages?.map(({ content }) => content)).toEqual(turns.map(([, text]) => text));
      }),
    );
  });
});

it('pairs among the messages of an object are turns, whoever has spoken', () => {
  const given = JSON.stringify({ messages: [['ai', 'How are you?']] });
  const { messages } = read({ 'openinference.span.kind': 'LLM', 'input.value': given });
  expect(messages).toEqual([{ role: 'assistant', content: 'How are you?' }]);
});

it('numbers in a request are one turn', () => {
  for (const prompt of [
    [9906, 11],
    [[9906], [11]],
  ]) {
    const { messages } = read({ 'openinference.span.kind': 'LLM', 'input.value': JSON.stringify({ prompt }) });
    expect(messages).toEqual([{ role: 'user', content: JSON.stringify(prompt) }]);
  }
});
