/** The answer of a provider, an SDK or a server is read the same in every place, whatever an app has put around it. */
import { describe, expect, test } from 'vitest';
import { PLACES } from '../answer-places.ts';
import { kindOf, read } from '../span.ts';

const json = JSON.stringify;
const TEXT = 'It rains.';

const CHAT = {
  id: 'x',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: TEXT } }],
  usage: { prompt_tokens: 5, completion_tokens: 2 },
};
const LANGCHAIN = {
  lc: 1,
  type: 'constructor',
  id: ['langchain', 'schema', 'messages', 'AIMessage'],
  kwargs: { content: TEXT, usage_metadata: { input_tokens: 5, output_tokens: 2 } },
};

/** The last of each says whether it has an id and a model. */
const ANSWERS: Readonly<Record<string, readonly [unknown, boolean]>> = {
  '{ response }': [{ response: CHAT }, true],
  '{ data }': [{ data: CHAT }, true],
  '{ result }': [{ result: CHAT }, true],
  '{ body }': [{ body: CHAT }, true],
  '{ output }': [{ output: CHAT }, true],
  '{ completion }': [{ completion: CHAT }, true],
  'a client’s response': [{ status: 200, headers: {}, data: CHAT }, true],
  'Instructor’s': [{ raw_response: CHAT, parsed: null }, true],
  'a list of one': [[CHAT], true],
  'usage as text': [{ ...CHAT, usage: json(CHAT.usage) }, true],
  'the AI SDK': [
    {
      text: TEXT,
      finishReason: 'stop',
      usage: { inputTokens: 5, outputTokens: 2 },
      response: { id: 'x', modelId: 'm' },
    },
    true,
  ],
  '.NET’s clients': [
    {
      messages: [{ role: 'assistant', contents: [{ $type: 'text', text: TEXT }] }],
      responseId: 'x',
      modelId: 'm',
      finishReason: 'stop',
      usage: { inputTokenCount: 5, outputTokenCount: 2 },
    },
    true,
  ],
  'Microsoft’s agents': [
    {
      messages: [
        { role: 'assistant', contents: [{ type: 'function_call', call_id: 'c', name: 'look', arguments: '{}' }] },
        { role: 'tool', contents: [{ type: 'function_result', call_id: 'c', result: 'rain' }] },
        { role: 'assistant', contents: [{ type: 'text', text: TEXT }] },
      ],
      response_id: 'x',
      model: 'm',
      finish_reason: 'stop',
      usage_details: { input_token_count: 5, output_token_count: 2 },
    },
    true,
  ],
  'Ollama without a chat': [
    { model: 'm', response: TEXT, done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 2 },
    false,
  ],
  'llama.cpp': [{ content: TEXT, stop: true, stop_type: 'eos', tokens_predicted: 2, tokens_evaluated: 5 }, false],
  'Text Generation Inference': [
    { generated_text: TEXT, details: { finish_reason: 'eos_token', generated_tokens: 2 }, usage: CHAT.usage },
    false,
  ],
  'LangChain’s message': [LANGCHAIN, false],
  'LangChain’s generations': [{ generations: [[{ text: TEXT, message: LANGCHAIN }]], llm_output: null }, false],
  LlamaIndex: [{ message: { role: 'assistant', content: TEXT }, raw: { usage: CHAT.usage }, delta: null }, false],
};

describe.each(Object.entries(PLACES))('%s', (_, place) => {
  test.each(Object.entries(ANSWERS))('%s', (_answer, [answer, isNamed]) => {
    const attributes = place(json(answer));
    const reading = read(attributes);
    expect(kindOf(attributes)).toBe('model');
    expect(reading).toMatchObject({ output: TEXT, promptTokens: 5, outputTokens: 2 });
    if (isNamed) {
      expect(reading).toMatchObject({
        callId: 'x',
        finishReason: 'stop',
        metadata: { response_id: 'x', response_model: 'm' },
      });
    }
  });

  test.each([
    { response: { error: { message: 'Rate limit', type: 'rate_limit_error', param: null, code: null } } },
    { status: 429, data: { error: { message: 'Rate limit', code: 429, status: 'RESOURCE_EXHAUSTED' } } },
  ])('a failure: %j', (answer) => {
    const { error, output, outputMessage } = read(place(json(answer)));
    expect(error?.message).toBe('Rate limit');
    expect([output, outputMessage]).toEqual([undefined, undefined]);
  });

  test('encoded twice, or as Python prints it', () => {
    for (const [answer] of [ANSWERS['{ data }']!, ANSWERS['a client’s response']!, ANSWERS['Ollama without a chat']!]) {
      expect(read(place(json(json(answer)))), json(answer)).toMatchObject({ output: TEXT, promptTokens: 5 });
    }
    const printed = json(ANSWERS['{ data }']![0]).replaceAll('"', "'");
    expect(read(place(printed))).toMatchObject({ output: TEXT, promptTokens: 5 });
  });

  test.each([
    { response: { choices: ['a'] }, data: 1 },
    { data: { model: 'Volvo', choices: [{ colour: 'red' }] } },
    [{ id: 7, candidates: [{ content: 'a' }] }],
    { response: { error: 'none', message: 'a' } },
    { text: 'a', finishReason: 'b' },
    { response: 'yes', done: true },
    { response: 'yes', done: true, model: 'Volvo' },
    { messages: [{ role: 'pirate', content: 'a' }], responseId: 'x' },
    { generated_text: 'a', details: { tone: 'b' } },
    { generated_text: 'a', details: { generated_tokens: 3 } },
    { content: 'a', tokens_predicted: 3 },
    { text: 'a', finishReason: 'stop', usage: { when: 'daily' } },
    { messages: [{ role: 'assistant', content: 'a' }], responseId: 'x' },
    { response: { id: 1, choices: [{ text: 'a' }, { text: 'b' }] } },
    { data: { id: 'q1', question: 'Where?', choices: [{ text: 'Oslo' }, { text: 'Bergen' }] } },
    [{ id: 'q1', question: 'Where?', choices: [{ text: 'Oslo' }, { text: 'Bergen' }] }],
    { result: { id: 'a', candidates: [{ content: { name: 'Ada' } }] } },
    { body: { model: 'T3', choices: [{ message: { to: 'Bob' } }] } },
    { response: { id: 'm1', object: 'response', status: 'ok' } },
    { id: 'x', model: 'T3', usage: { input_tokens: 'daily' } },
    { summary: 'Try later.', data: { error: { message: 'Rate limit', type: 'rate_limit_error' } } },
  ])('JSON that a model said: %j', (said) => {
    const reading = read(place(json(said)));
    expect(reading).toMatchObject({ output: json(said), outputMessage: { role: 'assistant', content: json(said) } });
    expect(reading.metadata).not.toHaveProperty('response_id');
    const { promptTokens, outputTokens, callId, error } = reading;
    expect({ promptTokens, outputTokens, callId, error }).toEqual({});
  });
});
