import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

describe('a span of the Humanloop SDK', () => {
  it.each<[Record<string, unknown>, string, string | undefined]>([
    [{}, 'humanloop.flow', 'generic'],
    [{}, 'humanloop.prompt', 'model'],
    [{ 'humanloop.file.type': 'tool' }, 'lookup', 'tool'],
    [{ 'humanloop.file.type': 'agent' }, 'x', 'agent'],
    [{ 'humanloop.file.type': 'prompt', 'gen_ai.operation.name': 'embeddings' }, 'embeddings m', 'generic'],
    [{ 'http.request.method': 'POST', 'url.full': 'https://api.humanloop.com' }, 'POST', undefined],
  ])('%o %s: %s', (attributes, name, kind) => {
    expect(kindOf(attributes, { name })).toBe(kind);
  });

  it('reads template, parameters, inputs and messages of a prompt', () => {
    const reading = read(
      {
        'humanloop.file.path': 'demo/Answer',
        'humanloop.file.type': 'prompt',
        'humanloop.file.model': 'gpt-4o',
        'humanloop.file.provider': 'openai',
        'humanloop.file.temperature': 0.2,
        'humanloop.file.template.0.role': 'system',
        'humanloop.file.template.0.content': 'You know {{topic}}.',
        'humanloop.log.inputs.topic': 'weather',
        'humanloop.log.messages.1.role': 'assistant',
        'humanloop.log.messages.1.content': 'yes?',
        'humanloop.log.messages.0.role': 'user',
        'humanloop.log.messages.0.content': 'hi',
        'humanloop.log.output_message.role': 'assistant',
        'humanloop.log.output_message.content': 'rainy',
      },
      { name: 'humanloop.prompt' },
    );
    expect(reading).toMatchObject({
      model: 'gpt-4o',
      provider: 'openai',
      temperature: 0.2,
      chatTemplate: [{ role: 'system', content: 'You know {{topic}}.' }],
      inputs: { topic: 'weather' },
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'yes?' },
      ],
      output: 'rainy',
    });
  });

  it('has failed with the error of its log', () => {
    expect(read({ 'humanloop.log.error': 'boom' }, { name: 'humanloop.flow' }).error).toEqual({ message: 'boom' });
  });

  it('does not take a prototype for data', () => {
    const attributes = {
      'humanloop.log.inputs.__proto__.polluted': 1,
      'humanloop.log.inputs.constructor.prototype.polluted': 1,
    };
    read(attributes, { name: 'humanloop.flow' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
