/** JSON that a model was asked for looks like what a provider answers, and is neither a failure nor a body with an id. */
import { expect, test } from 'vitest';
import { read } from '../span.ts';

const LANGFUSE = { 'langfuse.observation.type': 'generation', 'langfuse.observation.model.name': 'gpt-4o' };
const OPENINFERENCE = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'gpt-4o', 'input.value': 'Hi' };

function fromLangfuse(text: string) {
  return read({ ...LANGFUSE, 'langfuse.observation.output': text });
}

test.each([
  '[{"item":"apple","price":3},{"error":"unknown item"}]',
  '[{"error":"unknown item","id":1},{"item":"apple"}]',
  '{"item":"apple","price":3}\n{"error":"unknown item"}',
  '{"error":{"message":"No such city","type":"validation_error"}}',
  '{"error":{"message":"No such city","param":"city"}}',
  '[{"name":"shipped"},{"validationException":{"message":"No such city"}}]',
])('%s is an answer', (text) => {
  const { output, error } = fromLangfuse(text);
  expect({ output, error }).toEqual({ output: text, error: undefined });
});

test.each([
  '{"error":{"message":"Slow down","type":"rate_limit_error"}}',
  '{"type":"error","error":{"message":"No such model","type":"not_found_error"}}',
  '{"error":{"message":"No such model","type":"BadRequestError","param":null,"code":400}}',
])('%s is an error', (text) => {
  const { output, error } = fromLangfuse(text);
  expect(output).toBeUndefined();
  expect(error?.message).toBeDefined();
});

test.each([
  '{"error":{"message":"Slow down","type":"rate_limit_error"}}',
  '{"id":"order-1","model":"T3","choices":[{"label":"A","error":{"message":"sold out"}}]}',
])('%s is an answer where it is the text of a message too', (text) => {
  const message = { 'llm.output_messages.0.message.role': 'assistant', 'llm.output_messages.0.message.content': text };
  const { output, error, callId, providerResponse, metadata } = read({
    ...OPENINFERENCE,
    'output.value': text,
    ...message,
  });
  expect({ output, error, callId, providerResponse, metadata }).toEqual({
    output: text,
    metadata: { convention: 'openinference' },
  });
});

test('an answer that is JSON with an id and a model names neither', () => {
  const text = '{"id":"order-1","model":"T3","content":[{"type":"wheel"}]}';
  const { output, callId, metadata } = fromLangfuse(text);
  expect({ output, callId, metadata }).toEqual({ output: text, metadata: { convention: 'langfuse' } });
});

test('what a request has of one call only is no part of the config', () => {
  const request = {
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'Hi' }],
    temperature: 0.5,
    documents: [{ text: 'A secret' }],
    prediction: { type: 'content', content: 'A secret' },
    previous_response_id: 'resp_1',
    logprobs: true,
  };
  const { temperature, other } = read({
    ...OPENINFERENCE,
    'input.value': JSON.stringify(request),
    'output.value': 'Hello',
  });
  expect({ temperature, other }).toEqual({ temperature: 0.5, other: { logprobs: true } });
});

test('JSON with thoughts that a model was asked for is no body with reasoning', () => {
  const text = '{"role":"assistant","content":"Hi","thinking":"They greet."}';
  const message = { 'llm.output_messages.0.message.role': 'assistant', 'llm.output_messages.0.message.content': text };
  const { output, contentMetadata } = read({ ...OPENINFERENCE, 'output.value': text, ...message });
  expect({ output, contentMetadata }).toEqual({ output: text, contentMetadata: undefined });
});

test.each([
  '{"replies":["Yes","No"],"meta":[{"model":"T3"},{"model":"T3"}]}',
  '{"replies":["Yes"],"meta":[{"usage":{"prompt_tokens":5}}]}',
  '{"_role":"buyer","_content":["shoes"],"note":"urgent"}',
  '{"_role":"user","_content":["shoes"],"note":"urgent"}',
])('%s is no answer of a framework', (text) => {
  const reading = read({ ...OPENINFERENCE, 'output.value': text });
  expect(reading).toMatchObject({ output: text, outputMessage: { role: 'assistant', content: text } });
  expect(reading.promptTokens).toBeUndefined();
  expect(fromLangfuse(text).output).toBe(text);
});

test('a realtime turn that failed keeps what it says of its failure', () => {
  const error = { message: 'No more sound', type: 'server_error' };
  const response = { id: 'r1', status: 'failed', status_details: { type: 'failed', error }, output: [] };
  const text = JSON.stringify({ type: 'response.done', response });
  expect(read({ ...OPENINFERENCE, 'output.value': text }).output).toBe(text);
});

test('a transcript leaves the other parts of a turn in their place', () => {
  const parts = [{ text: 'See below.' }, { inlineData: { mimeType: 'audio/pcm', data: 'UklG' } }];
  const serverContent = { modelTurn: { parts }, outputTranscription: { text: 'Oslo.' } };
  const { output } = read({ ...OPENINFERENCE, 'output.value': JSON.stringify({ serverContent }) });
  expect(output).toBe('See below.\nOslo.');
});

test.each(['openinference.span.kind', 'fi.span.kind'])(
  'a reason in JSON that was said is no text of it: %s',
  (kind) => {
    const attributes = { [kind]: 'LLM', 'llm.model_name': 'gpt-4o', 'input.value': 'Hi' };
    const reasonOf = (reason: string) =>
      read({ ...attributes, 'output.value': JSON.stringify({ response: 'Hello', done_reason: reason }) }).finishReason;
    expect(reasonOf('It hurts')).toBeUndefined();
    expect(reasonOf('stop')).toBeUndefined();
  },
);
