import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const model = (input: unknown, output: unknown) =>
  read({
    'genkit:type': 'action',
    'genkit:metadata:subtype': 'model',
    'genkit:name': 'googleai/gemini-2.5-flash',
    'genkit:input': JSON.stringify(input),
    'genkit:output': JSON.stringify(output),
  });

describe('a Genkit span', () => {
  it.each([
    ['model', 'model'],
    ['background-model', 'model'],
    ['tool', 'tool'],
    ['tool.v2', 'tool'],
    ['flow', 'generic'],
    ['embedder', 'generic'],
    ['retriever', 'generic'],
    [undefined, 'generic'],
  ])('action %s: %s', (subtype, kind) => {
    expect(kindOf({ 'genkit:type': 'action', ...(subtype && { 'genkit:metadata:subtype': subtype }) })).toBe(kind);
  });

  it('has its model from its start', () => {
    const reading = read({
      'genkit:type': 'action',
      'genkit:metadata:subtype': 'model',
      'genkit:key': '/model/openai/gpt-4o',
    });
    expect(reading).toMatchObject({ provider: 'openai', model: 'gpt-4o' });
  });

  it('reads configuration, media, JSON output and usage, and never a key', () => {
    const reading = model(
      {
        messages: [
          {
            role: 'user',
            content: [{ text: 'What?' }, { media: { url: 'https://x/y.png', contentType: 'image/png' } }],
          },
        ],
        config: { temperature: 0.1, topK: 3, maxOutputTokens: 50, apiKey: 'secret' },
        output: { format: 'json', schema: { type: 'object' } },
      },
      {
        candidates: [
          {
            index: 0,
            finishReason: 'length',
            message: { role: 'model', content: [{ reasoning: 'hm' }, { text: '{"a":1}' }] },
          },
        ],
        usage: { inputTokens: 5, outputTokens: 6, thoughtsTokens: 2, cachedContentTokens: 1 },
      },
    );
    expect(reading).toMatchObject({
      provider: 'googleai',
      model: 'gemini-2.5-flash',
      temperature: 0.1,
      maxTokens: 50,
      responseFormat: { type: 'json_object' },
      other: { top_k: 3, schema: { type: 'object' } },
      output: '{"a":1}',
      finishReason: 'length',
      promptTokens: 5,
      outputTokens: 6,
      contentMetadata: { reasoning: 'hm' },
      metadata: { reasoning_tokens: 2, cache_read_tokens: 1 },
    });
    expect(reading.messages?.[0]?.content).toEqual([
      { type: 'text', text: 'What?' },
      { type: 'image_url', image_url: { url: 'https://x/y.png' } },
    ]);
    expect(JSON.stringify(reading)).not.toContain('secret');
    const util = { 'genkit:type': 'util', 'genkit:input': '{"config":{"apiKey":"secret","topK":3}}' };
    expect(read(util).inputs).toEqual({ config: { topK: 3 } });
  });

  it('leaves vectors out, and unquotes the input and output of a flow', () => {
    const embedder = {
      'genkit:type': 'action',
      'genkit:metadata:subtype': 'embedder',
      'genkit:output': '{"embeddings":[[1]]}',
    };
    expect(read(embedder).output).toBeUndefined();
    const flow = {
      'genkit:type': 'action',
      'genkit:metadata:subtype': 'flow',
      'genkit:input': '"hi"',
      'genkit:output': '"yo"',
    };
    expect(read(flow)).toMatchObject({ inputs: { input: 'hi' }, output: 'yo' });
  });
});
