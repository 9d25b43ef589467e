/** Answers and calls in fields that few providers use: refusals, free text for tools, transcripts of speech. */
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { toModelTools } from '../../../src/conventions/content/model-tools.ts';
import { read } from '../span.ts';

const readOutput = (value: unknown) => new MessageReader().readOutput(value);

describe('a refusal', () => {
  it.each<[string, unknown]>([
    ['beside an empty text', { role: 'assistant', content: '', refusal: 'No.' }],
    ['beside null', { role: 'assistant', content: null, refusal: 'No.' }],
    ['beside an empty part', { role: 'assistant', content: [{ type: 'output_text', text: '' }], refusal: 'No.' }],
    ['alone', { role: 'assistant', refusal: 'No.' }],
    ['as a part', { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }],
  ])('%s is the answer', (_name, message) => {
    expect(readOutput(message)).toEqual([{ role: 'assistant', content: 'No.' }]);
  });

  it('does not replace what the model has said', () => {
    expect(readOutput({ role: 'assistant', content: 'Yes.', refusal: 'No.' })[0]?.content).toBe('Yes.');
  });

  it('is read from the raw body if the flattened message has an empty text', () => {
    const body = { id: 'c', choices: [{ message: { role: 'assistant', content: '', refusal: 'No.' } }] };
    const reading = read({
      'openinference.span.kind': 'LLM',
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.content': '',
      'output.value': JSON.stringify(body),
    });
    expect(reading.output).toBe('No.');
  });
});

describe('a free-form tool', () => {
  const calls = [{ id: 'c1', type: 'function', function: { name: 'run', arguments: 'ls -l' } }];
  const call = { id: 'c1', type: 'custom', custom: { name: 'run', input: 'ls -l' } };

  it.each<[string, unknown]>([
    ['beside the content', { role: 'assistant', content: null, tool_calls: [call] }],
    ['as a part', { role: 'assistant', content: [call] }],
    ['as an item', [{ type: 'custom_tool_call', call_id: 'c1', name: 'run', input: 'ls -l' }]],
  ])('is called %s', (_name, value) => {
    expect(readOutput(value)).toEqual([{ role: 'assistant', tool_calls: calls }]);
    expect(new MessageReader().read(value)).toEqual([{ role: 'assistant', tool_calls: calls }]);
  });

  it('is offered by its name', () => {
    const custom = { name: 'run', description: 'Runs', format: { type: 'text' } };
    const tools = [{ name: 'run', description: 'Runs' }];
    expect(toModelTools([{ type: 'custom', custom }])).toEqual(tools);
    expect(toModelTools([{ type: 'custom', ...custom }])).toEqual(tools);
  });
});

describe('a transcript', () => {
  const sound = { data: 'UklGRjQAAABXQVZF', transcript: 'Good evening.' };

  it.each<[string, unknown]>([
    ['beside null', { role: 'user', content: null, audio: sound }],
    ['beside an empty text', { role: 'user', content: '', audio: sound }],
    ['beside the same text', { role: 'user', content: 'Good evening.', audio: sound }],
    ['alone', { role: 'user', audio: sound }],
    [
      'in a part of the realtime API',
      { role: 'user', content: [{ type: 'input_audio', transcript: 'Good evening.' }] },
    ],
    ['in the sound of a part', { role: 'user', content: [{ type: 'input_audio', input_audio: sound }] }],
    ['in a part without a type', { role: 'user', parts: [{ audio: sound }] }],
  ])('%s is the text', (_name, message) => {
    expect(new MessageReader().read([message])).toEqual([{ role: 'user', content: 'Good evening.' }]);
  });

  it('comes after other text', () => {
    const content = [
      { type: 'input_text', text: 'Listen:' },
      { type: 'input_audio', ...sound },
    ];
    expect(new MessageReader().read([{ role: 'user', content }])[0]?.content).toBe('Listen:\nGood evening.');
  });

  it('is read from flattened parts and from the span of a call', () => {
    const reading = read({
      'openinference.span.kind': 'LLM',
      'llm.input_messages.0.message.role': 'system',
      'llm.input_messages.0.message.contents.0.message_content.type': 'audio',
      'llm.input_messages.0.message.contents.0.message_content.audio.transcript': 'Be kind.',
      'input.audio.transcript': 'Hello?',
      'output.audio.transcript': 'Hello!',
    });
    expect(reading.messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hello?' },
    ]);
    expect(reading.output).toBe('Hello!');
    expect(reading.outputMessage).toEqual({ role: 'assistant', content: 'Hello!' });
  });

  it('stands beside other inputs of a step', () => {
    const reading = read({
      'openinference.span.kind': 'CHAIN',
      'input.value': '{"turn":1}',
      'input.audio.transcript': 'Hello?',
    });
    expect(reading.inputs).toEqual({ turn: 1, transcript: 'Hello?' });
  });
});

it('takes the JSON Schema of a tool for a tool by its title, if nothing else names it', () => {
  const schema = { type: 'object', properties: { city: {} } };
  expect(toModelTools([{ ...schema, title: 'Weather' }, schema])).toEqual([{ name: 'Weather', parameters: schema }]);
  expect(toModelTools([{ name: 'search', function: schema }])).toEqual([{ name: 'search' }]);
});
