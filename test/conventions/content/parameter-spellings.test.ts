/** Parameters of a request are read alike, however the code that made it spells and prints them. */
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const json = JSON.stringify;
const TOOL = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: { At: {} } } };
const schema = TOOL.parameters;

const FORMS: Readonly<Record<string, string>> = {
  "Converse's": json({
    modelId: 'claude',
    inferenceConfig: { maxTokens: 100, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
    toolConfig: { tools: [{ toolSpec: { name: 'look', description: 'Looks.', inputSchema: { json: schema } } }] },
  }),
  "Converse's without a model": json({
    inferenceConfig: { maxTokens: 100, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
    toolConfig: { tools: [{ toolSpec: { name: 'look', description: 'Looks.', inputSchema: { json: schema } } }] },
  }),
  "Go's": json({
    ModelId: 'claude',
    AdditionalModelRequestFields: null,
    InferenceConfig: { MaxTokens: 100, StopSequences: ['END'], Temperature: 0.5, TopP: 0.9 },
    ToolConfig: {
      ToolChoice: null,
      Tools: [{ Value: { Description: 'Looks.', InputSchema: { Value: schema }, Name: 'look', Strict: null } }],
    },
  }),
  ".NET's": json({
    ModelId: 'claude',
    GuardrailConfig: null,
    InferenceConfig: { MaxTokens: 100, StopSequences: ['END'], Temperature: 0.5, TopP: 0.9 },
    ToolConfig: {
      ToolChoice: null,
      Tools: [{ CachePoint: null, ToolSpec: { Description: 'Looks.', InputSchema: { Json: schema }, Name: 'look' } }],
    },
  }),
};

const PLACES: Readonly<Record<string, (parameters: string) => Attributes>> = {
  openinference: (parameters) => ({
    'openinference.span.kind': 'LLM',
    'llm.model_name': 'claude',
    'llm.invocation_parameters': parameters,
  }),
  langfuse: (parameters) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': 'claude',
    'langfuse.observation.model.parameters': parameters,
  }),
  langsmith: (parameters) => ({
    'langsmith.span.kind': 'llm',
    'gen_ai.request.model': 'claude',
    'langsmith.metadata.ls_invocation_params': parameters,
  }),
};

describe.each(Object.entries(PLACES))('%s', (_place, spanOf) => {
  test.each(Object.entries(FORMS))('reads %s parameters', (_form, parameters) => {
    const { model, maxTokens, temperature, topP, stop, other } = read(spanOf(parameters));
    expect({ model, maxTokens, temperature, topP, stop, other }).toEqual({
      model: 'claude',
      maxTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      stop: ['END'],
      other: undefined,
    });
  });

  test.each([
    ['.NET', json({ Temperature: 0.5, MaxOutputTokens: 100, TopP: null, TopK: 3, StopSequences: null })],
    ["OpenAI's SDK for .NET", json({ Temperature: 0.5, MaxOutputTokenCount: 100, TopK: 3 })],
    ['Go', json({ MaxTokens: 100, Temperature: 0.5, TopK: 3 })],
    ['Java', '{temperature=0.5, maxTokens=100, topK=3}'],
    ['a class of Java', 'ChatOptions{temperature=0.5, maxTokens=100, topK=3}'],
    ['a record of Java', 'Options[temperature=0.5, maxTokens=100, topK=3]'],
    ['Python', "{'temperature': 0.5, 'max_tokens': 100, 'top_k': 3}"],
    ['Ruby', '{:temperature=>0.5, :max_tokens=>100, :top_k=>3}'],
  ])('reads them as %s writes them', (_language, parameters) => {
    const { temperature, maxTokens, other } = read(spanOf(parameters));
    expect({ temperature, maxTokens, other }).toEqual({ temperature: 0.5, maxTokens: 100, other: { top_k: 3 } });
  });

  test("leaves an app's own", () => {
    const { maxTokens, other } = read(spanOf(json({ Level: 3, Mode: 'x' })));
    expect({ maxTokens, other }).toEqual({ maxTokens: undefined, other: { Level: 3, Mode: 'x' } });
  });
});

test.each(Object.entries(FORMS))('reads the tools in %s parameters', (_form, parameters) => {
  expect(read(PLACES['openinference']!(parameters)).tools).toEqual([TOOL]);
});

test('reads the model of parameters that have no other', () => {
  for (const parameters of [
    { ModelId: 'claude', MaxTokens: 3 },
    { modelId: 'claude', maxTokens: 3 },
  ]) {
    const reading = read({ 'openinference.span.kind': 'LLM', 'llm.invocation_parameters': json(parameters) });
    expect(reading).toMatchObject({ model: 'claude', maxTokens: 3 });
    expect(reading.other).toBeUndefined();
  }
});

test.each([
  'ChatOptions{system=Call Anna=7, temperature=0.5, stream=true}',
  'ChatOptions { System = Call Anna = 7, Temperature = 0.5 }',
  'map[system:Call Anna:7 temperature:0.5]',
])('reads no number of a text in %s', (parameters) => {
  for (const spanOf of Object.values(PLACES)) {
    const { temperature, other } = read(spanOf(parameters));
    expect({ temperature, other }).toEqual({ temperature: 0.5, other: undefined });
  }
});

test('reads words of a map that Java prints as what they were', () => {
  const { other } = read(PLACES['openinference']!('{stream=false, topK=3, mode=fast}'));
  expect(other).toEqual({ stream: false, top_k: 3, mode: 'fast' });
});

test('takes what the body of the request says before parameters that a language printed', () => {
  const body = { model: 'claude', messages: [{ role: 'user', content: 'Hi' }], temperature: 0.5, stop: ['END'] };
  const reading = read({
    ...PLACES['openinference']!('Options[temperature=0.5, stop=[END]]'),
    'input.value': json(body),
  });
  expect(reading).toMatchObject({ temperature: 0.5, stop: ['END'] });
});
