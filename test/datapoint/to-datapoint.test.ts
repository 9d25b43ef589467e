import { describe, expect, it } from 'vitest';
import type { Convention, Reading } from '../../src/conventions/convention.ts';
import { classifySpan, readSpan } from '../../src/conventions/index.ts';
import { toDatapoint } from '../../src/datapoint/to-datapoint.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { logRequest } from '../../src/wire/v4.ts';
import { SETTINGS, toSpan } from '../conventions/recordings.ts';

const IDENTITY = { referenceId: 'trace-span', sessionReferenceId: 'session', parentReferenceId: 'trace-parent' };

const FULL: Reading = {
  model: 'gpt-4o',
  provider: 'openai.chat',
  endpoint: 'chat',
  maxTokens: 5,
  temperature: 0,
  stop: ['secret stop'],
  responseFormat: { type: 'json_schema', json_schema: { title: 'secret' } },
  tools: [{ name: 'f', description: 'secret', parameters: { title: 'secret' } }],
  promptTemplate: 'secret',
  chatTemplate: [{ role: 'user', content: 'secret' }],
  other: { top_k: 3, reasoning_effort: 'low', note: 'secret', schema: { title: 'secret' } },
  name: 'weather',
  description: 'secret',
  toolParameters: { title: 'secret' },
  inputs: { q: 'secret' },
  messages: [{ role: 'user', content: 'secret' }],
  outputMessage: { role: 'assistant', content: 'secret' },
  promptTokens: 2,
  outputTokens: 0,
  promptCost: 0.1,
  finishReason: 'stop',
  error: { message: 'secret', type: 'RateLimitError', httpStatus: 429 },
  metadata: { response_id: 'r', convention: 'test' },
  contentMetadata: { reasoning: 'secret', trace_id: 'forged' },
  providerRequest: { body: 'secret' },
  providerResponse: { body: 'secret' },
};

describe('toDatapoint', () => {
  it('maps a model call', () => {
    const datapoint = toDatapoint(
      span(),
      'model',
      FULL,
      IDENTITY,
      { ...SETTINGS, environment: 'test' },
      { user: 'u', tags: ['t'] },
    );
    expect(logRequest.parse(datapoint)).toMatchObject({
      project: 'recordings',
      environment: 'test',
      source: 'opentelemetry',
      reference_id: 'trace-span',
      session_reference_id: 'session',
      parent_reference_id: 'trace-parent',
      config: {
        type: 'model',
        model: 'gpt-4o',
        provider: 'openai',
        endpoint: 'chat',
        max_tokens: 5,
        temperature: 0,
        other: { provider: 'openai.chat', top_k: 3 },
      },
      inputs: { q: 'secret' },
      output: 'secret',
      error: 'RateLimitError: secret (HTTP 429)',
      created_at: '2026-01-02T03:04:05.006Z',
      duration: 1.5,
      prompt_tokens: 2,
      output_tokens: 0,
      prompt_cost: 0.1,
      metadata: {
        finish_reason: 'stop',
        convention: 'test',
        scope: 'lib@1.0.0',
        span_name: 'chat',
        trace_id: '1'.repeat(32),
        user: 'u',
        tags: ['t'],
        prompt_tokens: 2,
        output_tokens: 0,
      },
    });
  });

  it.each(['tool', 'agent', 'generic'] as const)('maps a %s to its own config type', (kind) => {
    const datapoint = toDatapoint(span(), kind, FULL, IDENTITY, SETTINGS);
    expect(logRequest.safeParse(datapoint).error?.issues).toBeUndefined();
    expect(datapoint.config).toMatchObject({ type: kind, name: 'weather' });
  });

  it('maps an agent without a model to a generic log, and a call without one to an unknown model', () => {
    expect(toDatapoint(span(), 'agent', {}, IDENTITY, SETTINGS).config).toEqual({ type: 'generic', name: 'chat' });
    expect(toDatapoint(span(), 'model', {}, IDENTITY, SETTINGS).config).toEqual({ type: 'model', model: 'unknown' });
  });

  it('has tokens only on calls', () => {
    for (const kind of ['agent', 'tool'] as const) {
      const datapoint = toDatapoint(span(), kind, FULL, IDENTITY, SETTINGS);
      expect(datapoint.prompt_tokens ?? datapoint.output_tokens ?? datapoint.prompt_cost).toBeUndefined();
      expect(datapoint.metadata).not.toHaveProperty('prompt_tokens');
    }
  });

  it.each(['model', 'tool', 'agent', 'generic'] as const)('leaves no content of a %s if content is off', (kind) => {
    const datapoint = toDatapoint(
      span(),
      kind,
      FULL,
      IDENTITY,
      { ...SETTINGS, captureContent: false },
      { tags: ['secret'] },
    );
    expect(JSON.stringify(datapoint)).not.toContain('secret');
    expect(datapoint.error).toBe('RateLimitError (HTTP 429)');
    expect(datapoint.inputs).toEqual({});
    expect(datapoint.metadata).toMatchObject({ response_id: 'r', finish_reason: 'stop' });
    expect(logRequest.safeParse(datapoint).error?.issues).toBeUndefined();
  });

  it('names the class of an error once, though Python writes it without its module', () => {
    const named = (message: string) => {
      const reading = { ...FULL, error: { message, type: 'openai.RateLimitError' } };
      return toDatapoint(span(), 'model', reading, IDENTITY, SETTINGS).error;
    };
    expect(named('RateLimitError: slow down')).toBe('RateLimitError: slow down');
    expect(named('slow down')).toBe('openai.RateLimitError: slow down');
    expect(named('no RateLimitError: slow down')).toBe('openai.RateLimitError: no RateLimitError: slow down');
  });

  it('has no duration while the span is open, and none below zero', () => {
    expect(toDatapoint({ ...span(), ended: false }, 'model', {}, IDENTITY, SETTINGS)).not.toHaveProperty('duration');
    expect(toDatapoint({ ...span(), duration: [-1, 0] }, 'model', {}, IDENTITY, SETTINGS).duration).toBe(0);
    expect(toDatapoint({ ...span(), duration: [Number.NaN, 0] }, 'model', {}, IDENTITY, SETTINGS).duration).toBe(2);
  });

  it.each([[[Number.NaN, 0]], [[-1, 0]], [[1e15, 0]], [undefined]])(
    'has a valid date where the clock is broken: %j',
    (startTime) => {
      const datapoint = toDatapoint({ ...span(), startTime } as unknown as SpanSlice, 'model', {}, IDENTITY, SETTINGS);
      expect(datapoint.created_at).toBe('2026-01-02T03:04:07.006Z');
    },
  );
});

describe('several vocabularies on one span', () => {
  const named = (name: string, kind: ReturnType<Convention['classify']>, reading: Reading): Convention => ({
    name,
    classify: () => kind,
    read: () => ({ ...reading }),
  });

  it('the first decides; the others fill in what it does not say', () => {
    const conventions = [
      named('one', 'model', { model: 'a', metadata: { x: 1 } }),
      named('two', 'model', { model: 'b', output: 'o', metadata: { x: 2, y: 2 } }),
    ];
    expect(classifySpan(span(), conventions)).toMatchObject({ kind: 'model', convention: 'one' });
    expect(readSpan(span(), conventions)).toEqual({
      model: 'a',
      output: 'o',
      metadata: { x: 1, y: 2, convention: 'one' },
    });
  });

  it('tokens from one that takes the span for another kind are not tokens of this log', () => {
    const conventions = [named('one', 'generic', {}), named('two', 'model', { promptTokens: 5 })];
    expect(readSpan(span(), conventions)).toEqual({ metadata: { usage: { prompt_tokens: 5 }, convention: 'one' } });
  });

  it('plumbing for the first is not a log, whatever the second says', () => {
    expect(classifySpan(span(), [named('one', 'plumbing', {}), named('two', 'model', {})])).toBeUndefined();
  });

  it('one that throws is skipped', () => {
    const throwing: Convention = {
      name: 'bad',
      classify: () => {
        throw new Error('bug');
      },
      read: () => ({}),
    };
    expect(classifySpan(span(), [throwing, named('two', 'tool', {})])?.convention).toBe('two');
  });

  it('HTTP spans and inherited attributes are not logs', () => {
    for (const attributes of [
      { 'http.request.method': 'GET' },
      { 'gen_ai.conversation.id': 'c' },
      { 'session.id': 's', 'user.id': 'u' },
      { 'traceloop.association.properties.a': 'b', 'traceloop.workflow.name': 'w' },
      { 'langfuse.trace.name': 'n' },
    ]) {
      expect(classifySpan({ ...span(), attributes })).toBeUndefined();
    }
  });
});

function span(): SpanSlice {
  const start = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
  return toSpan({
    name: 'chat',
    kind: 0,
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    startTime: [start, 6_000_000],
    endTime: [start + 2, 6_000_000],
    duration: [1, 500_000_000],
    status: { code: 0 },
    attributes: {},
    events: [],
    instrumentationScope: { name: 'lib', version: '1.0.0' },
  });
}
