/** Answers of rarer shapes, and the pieces of streams, are read alike as JSON, as Python prints them, and in quotes. */
import { describe, expect, it } from 'vitest';
import type { Reading } from '../../../src/conventions/convention.ts';
import { PLACES } from '../answer-places.ts';
import { read } from '../span.ts';

const usage = { prompt_tokens: 5, completion_tokens: 3 };
const ANSWERS = [
  { inputTextTokenCount: 5, results: [{ tokenCount: 3, outputText: 'Hello', completionReason: 'FINISH' }] },
  { generation: 'Hello', prompt_token_count: 5, generation_token_count: 3, stop_reason: 'length' },
  [
    { id: 'c1', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: { content: 'Hel' } }] },
    { id: 'c1', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: { content: 'lo' } }], usage },
  ],
];

function inPython(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(inPython).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, field]) => `'${key}': ${inPython(field)}`)
    .join(', ')}}`;
}

function saidIn({ output, finishReason, promptTokens, outputTokens }: Reading): unknown {
  return { output, finishReason, promptTokens, outputTokens };
}

const OF_PYTHON = ['openinference', 'gen-ai', 'langfuse', 'langsmith', 'mlflow', 'braintrust', 'traceai'] as const;

describe.each(OF_PYTHON)('%s', (place) => {
  const spanOf = PLACES[place]!;
  it.each(ANSWERS.map((answer) => ({ answer })))('reads $answer as Python prints it', ({ answer }) => {
    const ofJson = saidIn(read(spanOf(JSON.stringify(answer))));
    expect(ofJson).toMatchObject({ output: 'Hello', promptTokens: 5, outputTokens: 3 });
    expect(saidIn(read(spanOf(inPython(answer))))).toEqual(ofJson);
  });

  it("leaves a model's own dictionary", () => {
    const { output, finishReason, promptTokens } = read(spanOf("{'city': 'Oslo', 'usage': {'prompt_tokens': 5}}"));
    expect(output).toContain('Oslo');
    expect({ finishReason, promptTokens }).toEqual({ finishReason: undefined, promptTokens: undefined });
  });
});

it.each(['openinference', 'gen-ai', 'langfuse'])('%s has the tokens of a stream in quotes', (place) => {
  const chunk = { id: 'c1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'Hi' } }] };
  const stream = [chunk, { ...chunk, choices: [], usage }].map((each) => `data: ${JSON.stringify(each)}\n\n`).join('');
  const reading = read(PLACES[place]!(JSON.stringify(stream)));
  expect(reading).toMatchObject({ promptTokens: 5, outputTokens: 3 });
});
