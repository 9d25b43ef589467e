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

it.each([
  '{"candidates":[{"name":"Ada","content":"strong"}]}',
  '{"candidates":[{"content":{"role":"model"}}]}',
  '{"generations":[{"text":"first"}]}',
  '{"choices":["a"],"model":"T"}',
  '{"choices":[{"label":"a"}],"model":"T","created":"today"}',
  '{"choices":[{"message":"a"}]}',
  '{"choices":[{"text":"a"}],"usage":"daily"}',
  '{"output":[{"type":"relay"}],"model":"T"}',
  '{"output":{"kw":3},"model":"T"}',
  '{"response":[{"content":"x"}]}',
  '{"role":"system","content":"x"}',
])('a body has more than the names of its lists: %s', (said) => {
  for (const span of [
    { ...call, 'gen_ai.completion': said },
    { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'output.value': said },
    { 'langfuse.observation.type': 'generation', 'langfuse.observation.output': said },
    { 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.spanOutputs': JSON.stringify(said) },
    { 'braintrust.span_attributes': '{"type":"llm"}', 'braintrust.output_json': JSON.stringify(said) },
  ]) {
    const { output, outputMessage, metadata } = read(span);
    expect({ output, outputMessage }).toEqual({ output: said, outputMessage: { role: 'assistant', content: said } });
    expect(metadata).not.toHaveProperty('response_model');
  }
});

it.each([
  ['{"choices":[{"text":"a"}],"model":"m"}', 'a'],
  ['{"choices":[{"text":"a","finish_reason":"stop"}]}', 'a'],
  ['{"generations":[[{"text":"a"}]]}', 'a'],
  ['{"generations":[{"text":"a"}],"llm_output":null}', 'a'],
  ['{"id":"1","generations":[{"id":"2","text":"a"}],"prompt":"q"}', 'a'],
  ['{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}', 'a'],
  ['{"object":"response","output":[{"type":"new_call"},{"type":"message","role":"assistant","content":"a"}]}', 'a'],
  ['{"output":{"text":"a"},"usage":{"total_tokens":1}}', 'a'],
])('what is a body is read as one: %s', (body, output) => {
  expect(read({ ...call, 'gen_ai.completion': body }).output).toBe(output);
});

it('a finish reason in JSON that the model has written is none', () => {
  const said = '{"text":"a","generation_id":"b","finish_reason":"length"}';
  const message = { 'llm.output_messages.0.message.role': 'assistant', 'llm.output_messages.0.message.content': said };
  const span = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'output.value': said, ...message };
  expect(read(span)).toEqual(expect.not.objectContaining({ finishReason: 'length' }));
  expect(read(span).output).toBe(said);
});

it('the first message of a record of AWS may be JSON without being the whole request', () => {
  const told = [turn('assistant', '{"n":2}'), turn('assistant', '{"n":3}')];
  const asked = [turn('user', '{"n":1}'), turn('user', 'And then?')];
  expect(readRecord(asked, told).messages).toEqual([asked[0], told[0], asked[1]]);
  expect(readRecord(asked, told).output).toBe('{"n":3}');
  const whole = turn('user', JSON.stringify({ text: { q: '{"n":1}' } }));
  expect(readRecord([whole, ...asked], told).messages).toEqual([asked[0], told[0], asked[1]]);
});

it.each(['{"options":["yes","no"]}', '["yes","no"]', '{"message":"Go?","id":3}'])(
  'nor is it, if the second message answers it or not: %s',
  (first) => {
    const told = [turn('assistant', 'Sure?'), turn('assistant', 'Done.')];
    const asked = [turn('user', first), turn('user', 'yes')];
    expect(readRecord(asked, told).messages).toEqual([asked[0], told[0], asked[1]]);
  },
);

it.each([{ input: 'Go?' }, { prompts: ['Go?'] }, { question: 'Go?', context: 'A game' }])(
  'the whole input of a record of AWS is no message, and its messages have all: %j',
  (whole) => {
    const asked = [turn('system', 'Play.'), turn('user', 'Go?')];
    const reading = readRecord([turn('user', JSON.stringify(whole)), ...asked], [turn('assistant', 'Yes.')]);
    expect(reading).toMatchObject({ messages: asked, output: 'Yes.' });
  },
);

it.each([JSON.stringify({ text: 'Hello', lang: 'de' }), 'Hello'])(
  'what a user said first in a record of AWS is a turn where the answers are all turns: %s',
  (said) => {
    const asked = [turn('user', said), turn('user', 'Hello')];
    const { messages, output } = readRecord(asked, [turn('assistant', 'Hallo'), turn('assistant', 'Ja?')]);
    expect(messages).toEqual([asked[0], turn('assistant', 'Hallo'), asked[1]]);
    expect(output).toBe('Ja?');
  },
);

function turn(role: string, content: string) {
  return { role, content };
}

function readRecord(asked: object[], told: object[]) {
  const scope = 'openinference.instrumentation.openai';
  const body = { input: { messages: asked }, output: { messages: told } };
  const events = [{ name: scope, attributes: { body }, time: [1, 0] as const }];
  return read({ 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' }, { scope, events: events as never });
}

it.each([
  ['langfuse', { 'langfuse.observation.type': 'generation' }, 'langfuse.observation.output'],
  ['langsmith', { 'langsmith.span.kind': 'llm' }, 'gen_ai.completion'],
  ['confident-ai', { 'confident.span.type': 'llm' }, 'confident.span.output'],
  ['mlflow', { 'mlflow.spanType': '"CHAT_MODEL"' }, 'mlflow.spanOutputs'],
  ['braintrust', { 'braintrust.span_attributes': '{"type":"llm"}' }, 'braintrust.output_json'],
])('%s: JSON that a model wrote has its spaces and its numbers', (_, span, key) => {
  const said = '{ "rate":  1.0,\n "at": [1e3, 12345678901234567890] }';
  expect(read({ ...span, [key]: JSON.stringify(said) }).output).toBe(said);
});

it.each([
  ['langfuse', { 'langfuse.observation.type': 'generation' }, 'langfuse.observation.output'],
  ['langsmith', { 'langsmith.span.kind': 'llm' }, 'gen_ai.completion'],
  ['confident-ai', { 'confident.span.type': 'llm' }, 'confident.span.output'],
  ['gen-ai', call, 'gen_ai.completion'],
  ['openinference', { 'openinference.span.kind': 'LLM' }, 'output.value'],
])('%s: so it has without quotes around it', (_, span, key) => {
  const said = '{ "rate":  1.0,\n "at": [1e3, 12345678901234567890] }';
  expect(read({ ...span, [key]: said }).output).toBe(said);
});

it.each([
  '[{"type":"human","data":{"content":"x","age":3}}]',
  '[{"type":"text","text":"Hallo","lang":"de"}]',
  '[{"type":"text","label":"Name"},{"type":"file","label":"CV"}]',
])('JSON that a user said in a message is what they said: %s', (said) => {
  const history = JSON.stringify([{ role: 'user', content: said }]);
  for (const span of [
    { ...call, 'gen_ai.input.messages': history },
    { 'openinference.span.kind': 'LLM', 'input.value': `{"messages":${history}}` },
    { 'langfuse.observation.type': 'generation', 'langfuse.observation.input': history },
    { 'langsmith.span.kind': 'llm', 'gen_ai.prompt': `{"messages":${history}}` },
    { 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.spanInputs': `{"messages":${history}}` },
  ]) {
    expect(read(span).messages).toEqual([{ role: 'user', content: said }]);
  }
});
