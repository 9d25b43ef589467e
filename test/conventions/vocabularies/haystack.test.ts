import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const component = (type: string, input: unknown, output: unknown) =>
  read(
    {
      'haystack.component.type': type,
      'haystack.component.name': 'llm',
      'haystack.component.input': JSON.stringify(input),
      'haystack.component.output': JSON.stringify(output),
    },
    { name: 'haystack.component.run' },
  );

describe('a Haystack span', () => {
  it.each([
    ['OpenAIChatGenerator', 'model'],
    ['OpenAIGenerator', 'model'],
    ['Agent', 'agent'],
    ['PromptBuilder', 'generic'],
    ['OpenAITextEmbedder', 'generic'],
  ])('%s: %s', (type, kind) => {
    expect(kindOf({ 'haystack.component.type': type }, { name: 'haystack.component.run' })).toBe(kind);
  });

  it('is generic if it is a pipeline, and is not recognised under other names', () => {
    expect(kindOf({}, { name: 'haystack.pipeline.run' })).toBe('generic');
    expect(kindOf({}, { name: 'haystack.other' })).toBeUndefined();
  });

  it.each([
    ['', ''],
    ['the private names of earlier releases', '_'],
  ])('reads messages with calls and results %s', (_what, dash) => {
    const message = (role: string, content: unknown, meta = {}) => ({
      [`${dash}role`]: role,
      [`${dash}content`]: content,
      [`${dash}meta`]: meta,
    });
    const call = { tool_name: 'get_weather', arguments: { location: 'Paris' }, id: 'c1' };
    const reading = component(
      'AzureOpenAIChatGenerator',
      {
        messages: [
          message('user', [{ text: 'Weather?' }]),
          message('assistant', [{ tool_call: call }]),
          message('tool', [{ tool_call_result: { result: 'rainy', origin: call, error: false } }]),
        ],
        generation_kwargs: { temperature: 0.2 },
      },
      {
        replies: [
          message('assistant', [{ text: 'It is rainy.' }], {
            model: 'gpt-4o',
            finish_reason: 'stop',
            usage: { prompt_tokens: 42, completion_tokens: 9 },
          }),
        ],
      },
    );
    expect(reading).toMatchObject({
      model: 'gpt-4o',
      provider: 'azure.ai.openai',
      temperature: 0.2,
      output: 'It is rainy.',
      promptTokens: 42,
      outputTokens: 9,
      finishReason: 'stop',
    });
    expect(reading.messages).toEqual([
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"location":"Paris"}' } },
        ],
      },
      { role: 'tool', content: 'rainy', name: 'get_weather', tool_call_id: 'c1' },
    ]);
  });

  it('reads prompt and replies of a plain generator', () => {
    const reading = component(
      'OpenAIGenerator',
      { prompt: 'hi' },
      { replies: ['yo', 'hey'], meta: [{ model: 'gpt-4o' }] },
    );
    expect(reading).toMatchObject({
      endpoint: 'complete',
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'hi' }],
      output: 'yo',
    });
    expect(reading.contentMetadata).toEqual({ choices: [{ role: 'assistant', content: 'hey' }] });
  });

  it('offers tools in its own serialisation', () => {
    const schema = { type: 'object' };
    const data = { name: 'get_weather', description: 'Weather', parameters: schema };
    const input = { messages: [], tools: [{ type: 'haystack.tools.tool.Tool', data }] };
    expect(component('OpenAIChatGenerator', input, { replies: [] }).tools).toEqual([data]);
  });
});
