import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'telemetry.sdk.name': 'openlit' };

describe('an OpenLIT span', () => {
  it('leaves out invented values', () => {
    const reading = read({
      ...chat,
      'gen_ai.request.temperature': 1,
      'gen_ai.request.top_p': 1,
      'gen_ai.output.type': 'json',
      'gen_ai.usage.cost': 0,
      'server.address': 'api.openai.com',
      'gen_ai.tool.name': 'get_weather',
      'gen_ai.tool.call.id': 'c1',
    });
    for (const field of ['temperature', 'topP', 'responseFormat', 'name']) expect(reading).not.toHaveProperty(field);
    expect(reading.metadata).toEqual({ convention: 'openlit' });
  });

  it('keeps the values of the request', () => {
    const reading = read({
      ...chat,
      'gen_ai.request.temperature': 0.2,
      'gen_ai.request.top_p': 0.5,
      'gen_ai.usage.cost': 0.01,
    });
    expect(reading).toMatchObject({ temperature: 0.2, topP: 0.5, metadata: { total_cost: 0.01 } });
  });

  it('is a model call though it has the tool call that the model asked for', () => {
    expect(kindOf({ ...chat, 'gen_ai.tool.name': 'get_weather' })).toBe('model');
  });

  it('reads texts to embed', () => {
    const attributes = {
      ...chat,
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.input.messages': '["a","b"]',
      'gen_ai.usage.input_tokens': 4,
    };
    expect(kindOf(attributes)).toBe('generic');
    expect(read(attributes)).toMatchObject({ inputs: { input: ['a', 'b'] }, promptTokens: 4 });
  });

  it.each<[string, Record<string, unknown>, { name: string; attributes: Record<string, unknown> }[]]>([
    [
      'in a list',
      { 'gen_ai.response.image': ['https://a', 'https://b'], 'gen_ai.content.revised_prompt': 'A lone linden' },
      [],
    ],
    [
      'at numbered keys',
      {
        'gen_ai.response.image.1': 'https://b',
        'gen_ai.response.image.0': 'https://a',
        'gen_ai.content.revised_prompt.0': 'A lone linden',
      },
      [],
    ],
    [
      'in events',
      { 'gen_ai.content.revised_prompt': ['A lone linden', ''] },
      ['https://a', 'https://b'].map((url, at) => ({
        name: `gen_ai.response.image.${at}`,
        attributes: { 'gen_ai.completion': url },
      })),
    ],
  ])('reads the pictures that were made, %s', (_where, attributes, events) => {
    const reading = read({ ...chat, 'gen_ai.operation.name': 'image', ...attributes } as never, { events } as never);
    expect(reading.outputMessage).toEqual({
      role: 'assistant',
      content: ['https://a', 'https://b'].map((url) => ({ type: 'image_url', image_url: { url } })),
    });
    expect(reading.contentMetadata).toEqual({ revised_prompt: 'A lone linden' });
  });

  it('has no picture where its bytes were left out', () => {
    const image = { ...chat, 'gen_ai.operation.name': 'image', 'gen_ai.response.image': ['[base64_image_data]'] };
    expect(read(image)).not.toHaveProperty('outputMessage');
  });

  it('opens messages that were joined to one text', () => {
    const prompt = 'system: Be brief.\nTwo lines.\nuser: Hi';
    const events = [{ name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': prompt } }];
    expect(read(chat, { events }).messages).toEqual([
      { role: 'system', content: 'Be brief.\nTwo lines.' },
      { role: 'user', content: 'Hi' },
    ]);
    const plain = [{ name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': 'Who is the user: me?' } }];
    expect(read(chat, { events: plain }).messages).toEqual([{ role: 'user', content: 'Who is the user: me?' }]);
  });
});
