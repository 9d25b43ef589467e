/**
 * A JSON document that stays the text of an answer is what the model said: it says nothing else of the call, whatever fields of a
 * provider it has. The log is that of an answer in plain words, but for its text.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reading } from '../../../src/conventions/convention.ts';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { documents } from '../answer-documents.ts';
import { PLACES } from '../answer-places.ts';
import { read } from '../span.ts';

const RUNS = 500;
const WORDS = 'It is sunny.';
const SPANS: Readonly<Record<string, (answer: string) => Attributes>> = {
  ...PLACES,
  'openinference with its message': (answer) => ({
    'openinference.span.kind': 'LLM',
    'output.value': answer,
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.content': answer,
  }),
  'a part of a message': (answer) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: answer }] }]),
  }),
  'the content of a message': (answer) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', content: answer }]),
  }),
  'an indexed completion': (answer) => ({
    'llm.request.type': 'chat',
    'gen_ai.completion.0.role': 'assistant',
    'gen_ai.completion.0.content': answer,
  }),
  "Sentry's text": (answer) => ({
    'sentry.op': 'gen_ai.chat',
    'sentry.origin': 'auto.ai.openai',
    'gen_ai.response.text': answer,
  }),
  "the AI SDK's text": (answer) => ({ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.response.text': answer }),
  "the text of an answer's message": (answer) => ({
    'mlflow.spanType': '"CHAT_MODEL"',
    'mlflow.spanOutputs': JSON.stringify({ choices: [{ message: { role: 'assistant', content: answer } }] }),
  }),
};

function around({ output: _output, outputMessage, ...reading }: Reading): unknown {
  const { content: _content, ...message } = outputMessage ?? {};
  return { ...reading, message };
}

describe.each(Object.entries(SPANS))('in %s', (_place, spanOf) => {
  it('says nothing of the call', () => {
    const plain = around(read(spanOf(WORDS)));
    let count = 0;
    fc.assert(
      fc.property(documents, fc.boolean(), (document, isPretty) => {
        const said = JSON.stringify(document, null, isPretty ? 2 : undefined);
        for (const recorded of [said, JSON.stringify(said)]) {
          const reading = read(spanOf(recorded));
          if (reading.output !== said) continue;
          count++;
          expect(around(reading)).toEqual(plain);
        }
      }),
      { numRuns: RUNS },
    );
    // Others are read as a body, or reprinted.
    expect(count).toBeGreaterThan(RUNS / 10);
  });
});

/** Lists and objects that are no answer, as programs print them: with spaces that a printer of JSON would not set. */
const PRINTED = [
  '{"finish_reason": "stop", "response": "It hurts"}',
  '{"output": "x y", "model": "T3"}',
  '{"answer": "Hi", "model":  "T3", "usage": {"input_tokens": 3}}',
  '{"status": "completed", "output": "x", "id": "1"}',
  '{"data":  {"response": "x"}}',
  '{"result": 1.50}',
  '[["ai",  "ml"]]',
  '[1,  2]',
  '[[1,  2], [3]]',
  '[["a",  1]]',
  "{'output': 'x', 'finish_reason': 'stop'}",
  '{:finish_reason=>"stop", :response=>"x"}',
  "$VAR1 = { 'finish_reason' => 'stop', 'id' => '1' };",
  "$VAR1 = bless( { 'role' => 'user', 'content' => 'x' }, 'Turn' );\n",
  "(object) array('finish_reason' => 'stop', 'response' => 'x')",
  "array (\n  0 => 'a',\n)",
  'Array\n(\n    [finish_reason] => stop\n)\n',
  '&{FinishReason:stop Usage:{PromptTokens:5}}',
  'finish_reason: stop\nusage:\n  input_tokens: 5',
  '  {"finish_reason":  "stop"}',
];

describe.each(PRINTED)('%s', (said) => {
  const places = { ...PLACES, "Sentry's text": SPANS["Sentry's text"]! };
  it.each(Object.entries(places))('stays word for word in %s, and says nothing else', (_place, spanOf) => {
    const reading = read(spanOf(said));
    expect(reading.output).toBe(said);
    expect(around(reading)).toEqual(around(read(spanOf(WORDS))));
  });
});
