import { describe, expect, it } from 'vitest';
import { classifySpan, readSpan } from '../../../src/conventions/index.ts';
import { vercelAi } from '../../../src/conventions/vocabularies/vercel-ai/vercel-ai.ts';
import type { Attributes, SpanSlice } from '../../../src/otel/span-slice.ts';
import { loadRecording, recordingNames, toDatapoints, toSpan, toSpans, toStartedSpan } from '../recordings.ts';
import { makeSpan, readWith } from '../span.ts';

/** Of the package `ai`; the newer versions have a scope of another name. */
function span(name: string, attributes: Attributes = {}, scope = 'ai'): SpanSlice {
  const named = name.startsWith('ai.') ? { 'ai.operationId': name, ...attributes } : attributes;
  return makeSpan(named, { name, scope });
}

const call = (attributes: Attributes) => readWith(vercelAi, span('ai.generateText.doGenerate', attributes));
const run = (attributes: Attributes) => readWith(vercelAi, span('ai.generateText', attributes));

describe('the kind of an AI SDK span', () => {
  it.each([
    ['ai.generateText', 'agent'],
    ['ai.streamObject', 'agent'],
    ['ai.workflowAgent.stream', 'agent'],
    ['ai.generateText.doGenerate', 'model'],
    ['ai.streamObject.doStream', 'model'],
    ['ai.toolCall', 'tool'],
    ['ai.embed', 'generic'],
    ['ai.embedMany.doEmbed', 'generic'],
    ['ai.rerank', 'generic'],
    ['ai.rerank.doRerank', 'generic'],
    ['ai.transcribe', 'generic'],
  ])('%s: %s', (name, kind) => {
    expect(vercelAi.classify(span(name))).toBe(kind);
    // Without the operation id, the operation's or the span's name decides.
    const named = { 'ai.operationId': undefined, 'operation.name': `${name} my function` };
    expect(vercelAi.classify(span('renamed', named))).toBe(kind);
    const byName = span(name, { 'ai.operationId': undefined });
    expect(vercelAi.classify(byName)).toBe(name.includes('Agent') ? undefined : kind);
  });

  it.each([
    ['chat', 'model'],
    ['execute_tool', 'tool'],
    ['invoke_agent', 'agent'],
    ['agent_step', 'plumbing'],
    ['embeddings', 'generic'],
    ['ai.generateSpeech', 'generic'],
  ])('version 7, %s: %s', (operation, kind) => {
    const attributes = { 'gen_ai.operation.name': operation };
    expect(vercelAi.classify(span(operation, attributes, 'gen_ai'))).toBe(kind);
  });

  it('does not recognise other spans', () => {
    expect(vercelAi.classify(span('aix', {}))).toBeUndefined();
    expect(vercelAi.classify(span('chat', { 'gen_ai.operation.name': 'chat' }))).toBeUndefined();
    expect(vercelAi.classify(span('x', { 'ai.operationId': 7 }))).toBeUndefined();
  });

  it.each(recordingNames('vercel-ai'))('recognises the spans of %s from their start', (name) => {
    for (const recorded of loadRecording(name).spans) {
      // Not every recording has the attributes known at the start.
      if (!recorded.$onStart) continue;
      const atStart = classifySpan(toStartedSpan(recorded))?.kind;
      expect(atStart).toBe(classifySpan(toSpan(recorded))?.kind);
    }
  });
});

describe('tokens', () => {
  it.each(recordingNames('vercel-ai'))('are only on the provider calls of %s', (name) => {
    const datapoints = toDatapoints(toSpans(loadRecording(name)));
    const parents = new Set(datapoints.map((datapoint) => datapoint.parent_reference_id));
    for (const { config, reference_id, prompt_tokens, output_tokens } of datapoints) {
      const isWrapper = config?.type === 'agent' || (config?.type === 'generic' && parents.has(reference_id));
      if (isWrapper || config?.type === 'tool') expect([prompt_tokens, output_tokens]).toEqual([undefined, undefined]);
    }
  });

  it('are metadata on a run', () => {
    const reading = run({ 'ai.usage.promptTokens': 3, 'ai.usage.completionTokens': 4 });
    expect(reading.promptTokens).toBeUndefined();
    expect(reading.metadata?.['usage']).toEqual({ prompt_tokens: 3, output_tokens: 4 });
  });

  it('are absent if they are not numbers', () => {
    const reading = call({ 'ai.usage.promptTokens': Number.NaN, 'ai.usage.completionTokens': null });
    expect(reading).not.toHaveProperty('promptTokens');
    expect(reading).not.toHaveProperty('outputTokens');
  });

  it('from the cache are found under the names of each provider', () => {
    const of = (provider: unknown) =>
      call({ 'ai.response.providerMetadata': JSON.stringify(provider) }).metadata?.['cache_read_tokens'];
    expect(of({ openai: { cachedPromptTokens: 1 } })).toBe(1);
    expect(of({ anthropic: { cacheReadInputTokens: 2 } })).toBe(2);
    expect(of({ anthropic: { usage: { cache_read_input_tokens: 3 } } })).toBe(3);
    expect(of({ bedrock: { usage: { cacheReadInputTokens: 4 } } })).toBe(4);
    expect(of({ google: { usageMetadata: { cachedContentTokenCount: 5 } } })).toBe(5);
  });
});

describe('the answer', () => {
  const toolCalls = [
    { toolCallType: 'function', toolCallId: 'c', toolName: 'f', args: '{"a":1}' },
    { toolCallId: 'c', toolName: 'f', input: '{"a":1}' },
    { type: 'tool-call', toolCallId: 'c', toolName: 'f', input: { a: 1 } },
  ];

  it.each(toolCalls)('calls a tool, %o', (toolCall) => {
    const reading = call({ 'ai.response.text': '', 'ai.response.toolCalls': JSON.stringify([toolCall]) });
    expect(reading).not.toHaveProperty('output');
    expect(reading.outputMessage).toEqual({
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    });
  });

  it('is empty only if the model answered nothing', () => {
    expect(call({ 'ai.response.text': '' }).output).toBe('');
    expect(call({})).not.toHaveProperty('output');
    expect(call({})).not.toHaveProperty('outputMessage');
  });

  it('keeps text beside a tool call, and thinking apart', () => {
    const reading = call({
      'ai.response.text': 'Let me see.',
      'ai.response.reasoning': 'hm',
      'ai.response.toolCalls': JSON.stringify([toolCalls[1]]),
    });
    expect(reading.output).toBe('Let me see.');
    expect(reading.outputMessage?.tool_calls).toHaveLength(1);
    expect(reading.contentMetadata).toEqual({ reasoning: 'hm' });
  });

  it('is an object, under the keys of version 3 too', () => {
    expect(call({ 'ai.response.object': '{"a":1}' }).output).toBe('{"a":1}');
    expect(call({ 'ai.result.object': '{"a":1}', 'ai.finishReason': 'tool-calls' })).toMatchObject({
      output: '{"a":1}',
      finishReason: 'tool_calls',
    });
  });

  it('may be an image', () => {
    const files = [{ type: 'file', mediaType: 'image/png', data: 'iVBORw0KGgo=' }];
    const reading = call({ 'ai.response.text': '', 'ai.response.files': JSON.stringify(files) });
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    expect(reading.outputMessage?.content).toEqual([{ type: 'image_url', image_url: { url } }]);
    expect(reading).not.toHaveProperty('output');
  });

  it('leaves out a run’s calls of earlier steps, but not those of the last', () => {
    const answer = { 'ai.response.text': 'Done.', 'ai.response.toolCalls': JSON.stringify([toolCalls[1]]) };
    const done = run({ ...answer, 'ai.response.finishReason': 'stop' });
    expect(done.outputMessage).toEqual({ role: 'assistant', content: 'Done.' });
    const stopped = run({ ...answer, 'ai.response.finishReason': 'tool-calls' });
    expect(stopped.outputMessage?.tool_calls).toHaveLength(1);
  });
});

describe('what was asked', () => {
  it('reads the prompt of every version', () => {
    const result = { type: 'tool-result', toolCallId: 'c', toolName: 'f' };
    const outputs = [
      { ...result, result: { a: 1 } },
      { ...result, output: { type: 'json', value: { a: 1 } } },
      { ...result, output: { type: 'text', value: '{"a":1}' } },
    ];
    for (const part of outputs) {
      const messages = [{ role: 'tool', content: [part] }];
      expect(call({ 'ai.prompt.messages': JSON.stringify(messages) }).messages).toEqual([
        { role: 'tool', content: '{"a":1}', name: 'f', tool_call_id: 'c' },
      ]);
    }
  });

  it('falls back to the app’s prompt', () => {
    const prompt = JSON.stringify({ system: 'Be brief.', prompt: 'Hi' });
    expect(call({ 'ai.prompt': prompt }).messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ]);
  });

  it('keeps buffers out of the inputs', () => {
    const image = { type: 'Buffer', data: [1, 2, 3] };
    const prompt = { messages: [{ role: 'user', content: [{ type: 'image', image }] }] };
    const text = JSON.stringify(run({ 'ai.prompt': JSON.stringify(prompt) }).inputs);
    expect(text).toContain('[data, 3 bytes, sha256:');
    expect(text).not.toContain('[1,2,3]');
  });

  it('saves what it can of cut JSON, marks it, and leaves out a cut schema', () => {
    const reading = call({
      'ai.prompt.messages': '[{"role":"user","content":[{"type":"text","text":"Weather in Pa',
      'ai.prompt.tools': ['{"type":"function","name":"f","inputSchema":{"type":"obj'],
    });
    expect(reading.messages).toEqual([{ role: 'user', content: 'Weather in Pa' }]);
    expect(reading.tools).toEqual([{ name: 'f' }]);
    expect(reading.metadata?.['truncated']).toEqual(['ai.prompt.tools', 'ai.prompt.messages']);
  });

  it('reads settings under both names, and the rest into other', () => {
    const reading = call({
      'gen_ai.request.temperature': 0,
      'ai.settings.maxOutputTokens': 5,
      'ai.settings.topK': 3,
      'ai.settings.seed': 7,
      'ai.settings.stopSequences': ['END'],
      'ai.settings.maxRetries': 2,
      'ai.settings.context.userId': 'u',
      'ai.request.headers.authorization': 'Bearer secret',
      'ai.prompt.toolChoice': '{"type":"tool","toolName":"f"}',
    });
    expect(reading).toMatchObject({ temperature: 0, maxTokens: 5, seed: 7, stop: ['END'] });
    expect(reading.other).toEqual({ max_retries: 2, top_k: 3, tool_choice: { type: 'tool', toolName: 'f' } });
    expect(reading.contentMetadata).toEqual({ userId: 'u' });
    expect(JSON.stringify(reading)).not.toContain('secret');
  });

  it('keeps the configuration of a provider’s own tool', () => {
    const tool = { type: 'provider-defined', id: 'openai.web_search', name: 'web_search', args: { size: 'low' } };
    expect(call({ 'ai.prompt.tools': [JSON.stringify(tool)] }).tools).toEqual([
      { name: 'web_search', other: { id: 'openai.web_search', args: { size: 'low' } } },
    ]);
  });
});

describe('tool calls', () => {
  const tool = (attributes: Attributes) => readWith(vercelAi, span('ai.toolCall', attributes));

  it('accept arguments that are not an object, and return text without quotes', () => {
    const reading = tool({ 'ai.toolCall.name': 'f', 'ai.toolCall.args': '"Paris"', 'ai.toolCall.result': '"rainy"' });
    expect(reading).toMatchObject({ name: 'f', inputs: { input: 'Paris' }, output: 'rainy' });
  });

  it('are empty if content is not recorded', () => {
    const reading = tool({ 'ai.toolCall.name': 'f', 'ai.toolCall.id': 'c' });
    expect(reading).toEqual({ name: 'f', metadata: { tool_call_id: 'c' } });
  });
});

describe('version 7', () => {
  it('gives only the final text of a run', () => {
    const parts = [
      { type: 'text', content: 'Rainy.' },
      { type: 'tool_call', id: 'c', name: 'f', arguments: {} },
      { type: 'tool_call_response', id: 'c', response: 1 },
    ];
    const attributes = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts, finish_reason: 'stop' }]),
      'gen_ai.usage.input_tokens': 3,
    };
    const reading = readSpan(span('invoke_agent', attributes, 'gen_ai'));
    expect(reading.outputMessage).toEqual({ role: 'assistant', content: 'Rainy.' });
    expect(reading.output).toBe('Rainy.');
    expect(reading).not.toHaveProperty('promptTokens');
    expect(reading.metadata?.['usage']).toEqual({ prompt_tokens: 3 });
  });

  it('is not a model call though a processor adds OpenInference attributes that say so', () => {
    const attributes = { 'gen_ai.operation.name': 'agent_step', 'openinference.span.kind': 'LLM' };
    expect(classifySpan(span('step 1', attributes, 'gen_ai'))).toBeUndefined();
  });
});
