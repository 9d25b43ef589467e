import { expect, it } from 'vitest';
import { read } from '../span.ts';

const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

it.each([
  '{"choices":[{"role":"manager","name":"Bob"}]}',
  '{"choices":[{"index":1,"label":"A"}]}',
  '{"output":[{"role":"lead","name":"Al"}]}',
  '{"role":"user","content":"x","age":3}',
  '[{"type":"text","name":"field"},{"type":"number"}]',
])('what a model has written stays whole: %s', (said) => {
  expect(read({ ...call, 'gen_ai.completion': said }).output).toBe(said);
});

it('a message with nothing but reasoning is an answer', () => {
  const said = '{"role":"assistant","reasoning_content":"hm"}';
  expect(read({ ...call, 'gen_ai.completion': said }).output).not.toBe(said);
});

it.each(['{"n":9007199254740993}', '{"outputs":null}', '{"messages":"x"}'])(
  'so does what was said to one: %s',
  (text) => {
    const scope = 'opentelemetry.instrumentation.openai';
    const body = {
      input: { messages: [{ role: 'user', content: text }] },
      output: { messages: [{ role: 'assistant', content: text }] },
    };
    const events = [{ name: scope, attributes: { body }, time: [1, 0] as const }];
    const reading = read(call, { scope, events: events as never });
    expect(reading).toMatchObject({ messages: [{ role: 'user', content: text }], output: text });
  },
);

it.each([
  ['[1] what does the footnote say', { query: '[1] what does the footnote say' }],
  ['[[0.1, -2e-3]]', undefined],
  ['[ 0.1 0.2 ... 3e-1]', undefined],
])('a search for %s is for a text, unless it is a vector', (query, inputs) => {
  const scope = 'opentelemetry.instrumentation.milvus';
  expect(read({ 'db.milvus.query.query': query }, { scope, name: 'milvus.query' }).inputs).toEqual(inputs);
});
