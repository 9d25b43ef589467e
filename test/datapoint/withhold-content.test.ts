import { describe, expect, it } from 'vitest';
import type { LogKind, Reading } from '../../src/conventions/convention.ts';
import { toDatapoint } from '../../src/datapoint/to-datapoint.ts';
import { SETTINGS } from '../conventions/recordings.ts';
import { makeSpan, read, type SpanParts } from '../conventions/span.ts';

const IDENTITY = { referenceId: 'trace-span', sessionReferenceId: 'session' };
const SENTENCE = 'Anna Berg is ill';

/** Prompts begin with the name of the agent. */
const NAMED: Reading = {
  name: 'Customer Support Triage Agent',
  messages: [{ role: 'system', content: 'You are the Customer Support Triage Agent.' }],
};

function withoutContent(reading: Reading, parts: SpanParts = {}, kind: LogKind = 'model') {
  return toDatapoint(makeSpan({}, parts), kind, reading, IDENTITY, { ...SETTINGS, captureContent: false });
}

describe('without content', () => {
  it.each<[string, Reading]>([
    ['a finish reason', { finishReason: SENTENCE }],
    ['a finish reason that is a secret', { finishReason: 'sk-4711' }],
    ['a choice of a tool', { other: { tool_choice: SENTENCE } }],
    ['a choice of a tool as JSON', { other: { tool_choice: '{"name":"Anna"}' } }],
    ['a service tier', { other: { service_tier: 'Anna, ill' } }],
    ['a model', { model: SENTENCE }],
    ['a provider', { provider: SENTENCE }],
    ['a name of several lines', { name: 'Anna\nBerg' }],
    ['a name as long as a letter', { name: `${SENTENCE}. `.repeat(20) }],
    ['a tool as long as a letter', { tools: [{ name: `${SENTENCE}. `.repeat(20) }] }],
    ['an error type', { error: { type: 'Anna is no argument' } }],
    ['an error type of JSON', { error: { type: '{"input":"Anna"}' } }],
    ['a name in braces', { name: 'send {"to": "Anna"}' }],
    ['a name in braces of Python', { name: "send {'to': Anna}" }],
    ['metadata', { metadata: { response_id: SENTENCE } }],
    ['metadata of JSON', { metadata: { response_model: '{"name":"Anna"}' } }],
    ['metadata below others', { metadata: { usage: { of: [SENTENCE], 'Anna Berg': 1 } } }],
    ['a label', { evaluations: [{ name: 'helpful', label: 'Anna likes it', score: 1 }] }],
    ['an error of an evaluator', { evaluations: [{ name: 'helpful', error: 'no Anna here' }] }],
  ])('%s that is none is left out', (_name, reading) => {
    for (const kind of ['model', 'tool'] as const)
      expect(JSON.stringify(withoutContent(reading, {}, kind))).not.toMatch(/Anna|4711/);
  });

  it.each<[string, Reading]>([
    ['an error type', { error: { type: '阿娜病了，请给她找一位医生' } }],
    ['a model', { model: 'アンナは病気です。医者を探してください' }],
    ['metadata', { metadata: { response_id: 'แอนนาป่วยหาหมอให้เธอด้วย' } }],
    ['a name', { name: '阿娜病了，请给她找一位医生。她住在奥斯陆，今天下午有空。' }],
  ])('%s of words without spaces between them is left out', (_name, reading) => {
    expect(JSON.stringify(withoutContent(reading))).not.toMatch(/阿娜|アンナ|แอนนา/);
  });

  it.each(['finish reason error', 'tool error', 'node failed', 'no response', 'no result'])(
    'keeps the type that a reader gives to an error: %s',
    (type) => {
      expect(withoutContent({ error: { type, message: SENTENCE } }).error).toBe(type);
    },
  );

  it.each(['Llama 3.1 8B (local)', 'llama3.1:8b', 'org/model@v2'])('keeps a model: %s', (model) => {
    expect(withoutContent({ model }).config).toMatchObject({ model });
  });

  it.each<[string, Reading]>([
    ['POST /agents/{agent_id}/run', {}],
    ['Chat Completion with {request_data[model]!r}', {}],
    ['invoke_agent Customer Support Triage Agent', NAMED],
    ['invoke_agent 天气小助手', { name: '天气小助手', messages: [{ role: 'system', content: '你是天气小助手' }] }],
    ['Weather agent', { messages: [{ role: 'system', content: 'You are the Weather agent of a hotel.' }] }],
  ])('keeps the name of a span: %s', (name, reading) => {
    expect(withoutContent(reading, { name }).metadata).toMatchObject({ span_name: name });
  });

  it('keeps words, ids and names', () => {
    const reading: Reading = {
      name: 'Weather agent',
      model: 'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet',
      provider: 'azure.ai.openai',
      finishReason: 'tool_calls',
      error: { type: 'System.IO.IOException', message: SENTENCE },
      other: { tool_choice: 'auto', reasoning_effort: 'low', seed: 3, tool_type: 'web_search_20250305' },
      metadata: { response_id: 'chatcmpl-1', prompt_name: 'My prompt', usage: { total_tokens: 5 }, truncated: ['a.b'] },
      evaluations: [{ name: 'is it helpful', label: 'not_relevant', score: 0 }],
    };
    const { config, error, metadata, feedback } = withoutContent(reading);
    expect(config).toMatchObject({
      model: reading.model,
      other: { provider: 'azure.ai.openai', ...reading.other },
    });
    expect(error).toBe('System.IO.IOException');
    expect(metadata).toMatchObject({ ...reading.metadata, finish_reason: 'tool_calls' });
    expect(feedback).toMatchObject([{ type: 'is it helpful', value: 'not_relevant' }, { value: 0 }]);
  });

  it.each<[string, Reading]>([
    ['Find Anna a doctor.task', { inputs: { description: 'Find Anna a doctor' } }],
    ['invoke_workflow Find Anna a doc...', { inputs: { description: 'Find Anna a doctor' } }],
    ['Find Anna a doctor', { messages: [{ role: 'user', content: 'Please: Find Anna a doctor.' }] }],
    ['answer: Anna is well', { output: 'Anna is well' }],
    ['Find Anna\na doctor', {}],
    ['Find Anna...', { inputs: { description: 'Find Anna a doctor' } }],
    ['Task: Find Anna a doctor', { inputs: { task: { words: ['Find Anna a doctor'] } } }],
    ['invoke_workflow 给Anna找一位医生', { inputs: { description: '请给Anna找一位医生' } }],
  ])('a span is not named by its content: %j', (name, reading) => {
    const { config, metadata } = withoutContent(reading, { name });
    expect(JSON.stringify([config, metadata])).not.toContain('Anna');
    expect(metadata).toMatchObject({ span_name: 'span' });
  });

  it('a task of CrewAI is not named by its description, though that comes at its end', () => {
    const scope = 'opentelemetry.instrumentation.crewai.instrumentation';
    const open = withoutContent({}, { name: 'Find Anna a doctor.task', scope });
    expect(JSON.stringify(open)).not.toContain('Anna');
  });

  it('names of spans stay whose words are not their content', () => {
    const reading = read({
      'gen_ai.operation.name': 'chat',
      'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Who is chat?"}]}]',
    });
    expect(withoutContent(reading, { name: 'chat gpt-4o' }).metadata).toMatchObject({ span_name: 'chat gpt-4o' });
  });
});
