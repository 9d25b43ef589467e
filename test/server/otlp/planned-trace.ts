/** Random traces of LLM apps, in which calls are often reported twice, and what several requests make of them. */
import fc from 'fast-check';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { makeSpan } from '../../conventions/span.ts';

export interface PlannedSpan {
  /** Index of an earlier span, or -1. */
  readonly parent: number;
  readonly form: Form;
  readonly scope: string;
  readonly model: string | undefined;
  readonly callId: string | undefined;
  readonly tokens: readonly [number, number] | undefined;
  readonly question: string | undefined;
  readonly answer: string | undefined;
  readonly hasError: boolean;
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly tags: readonly string[] | undefined;
  readonly startsAt: number;
  readonly lasts: number;
}

const FORMS = [
  'http',
  'http',
  'step',
  'chat',
  'chat',
  'chat',
  'openinference',
  'tool',
  'mcp',
  'agent',
  'chain',
] as const;
type Form = (typeof FORMS)[number];

const rarely = <Value>(arbitrary: fc.Arbitrary<Value>, freq = 5) => fc.option(arbitrary, { nil: undefined, freq });
const mostly = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 4, arbitrary }, { weight: 1, arbitrary: fc.constant(undefined) });

const plannedSpan = fc.record({
  parent: fc.oneof(fc.nat(), fc.constant('previous' as const), fc.constant('previous' as const)),
  form: fc.constantFrom(...FORMS),
  scope: fc.constantFrom('framework', 'framework', 'client', 'other'),
  model: mostly(fc.constantFrom('gpt-4o', 'gpt-4o-2024-08-06', 'claude-4')),
  callId: rarely(fc.constantFrom('response-1', 'response-2', 'response-3'), 2),
  tokens: mostly(fc.constantFrom([1, 2] as const, [3, 4] as const, [4, 6] as const)),
  question: mostly(fc.constantFrom('why?', 'how?')),
  answer: mostly(fc.constantFrom('because', 'so', 'thus')),
  hasError: fc.nat(9).map((dice) => dice === 9),
  session: fc.nat(9).chain((dice) => (dice < 8 ? fc.constant(undefined) : fc.constantFrom('session-1', 'session-2'))),
  user: fc.nat(9).chain((dice) => (dice < 8 ? fc.constant(undefined) : fc.constantFrom('ann', 'bob'))),
  tags: fc.nat(9).chain((dice) => (dice < 9 ? fc.constant(undefined) : fc.constantFrom(['a'], ['a', 'b']))),
  lasts: fc.integer({ min: 1, max: 60 }),
});

/** The first span is a root. Later ones may be roots, too: they begin again without a parent. */
export function plannedTrace(maxSpans = 12): fc.Arbitrary<PlannedSpan[]> {
  return fc.array(plannedSpan, { minLength: 1, maxLength: maxSpans, size: 'max' }).map((spans) =>
    spans.map((each, index) => ({
      ...each,
      parent: each.parent === 'previous' || index === 0 ? index - 1 : (each.parent % (index + 1)) - 1,
      startsAt: index * 3,
    })),
  );
}

export function spansOf(traceId: string, planned: readonly PlannedSpan[]): SpanSlice[] {
  return planned.map((each, index) =>
    makeSpan(attributesOf(each, traceId), {
      name: `span ${index}`,
      kind: each.form === 'mcp' && index % 2 === 0 ? 1 : 0,
      traceId,
      spanId: spanIdOf(index),
      ...(each.parent >= 0 && { parentSpanId: spanIdOf(each.parent) }),
      scope: each.scope,
      startTime: timeOf(each.startsAt),
      endTime: timeOf(each.startsAt + each.lasts),
      duration: [0, each.lasts * 1e6],
      status: each.hasError ? { code: 2, message: 'it failed' } : { code: 0 },
      resource: { attributes: { 'service.name': 'app' } },
    }),
  );
}

/** Not in the order of the spans, so that nothing depends on that by chance. */
export function spanIdOf(index: number): string {
  return `${((index * 7_919 + 13) % 65_536).toString(16).padStart(4, '0')}${index.toString(16).padStart(12, 'a')}`;
}

function timeOf(millis: number): [number, number] {
  return [1_700_000_000, millis * 1e6];
}

function attributesOf(planned: PlannedSpan, traceId: string): Record<string, unknown> {
  const { session, user, tags } = planned;
  return {
    ...contentOf(planned, traceId),
    ...(session !== undefined && { 'session.id': session }),
    ...(user !== undefined && { 'user.id': user }),
    ...(tags !== undefined && { 'tag.tags': tags }),
  };
}

function contentOf(planned: PlannedSpan, traceId: string): Record<string, unknown> {
  const { form, model, callId, tokens, question, answer } = planned;
  switch (form) {
    case 'http':
      return { 'http.request.method': 'POST' };
    case 'step':
      return { 'gen_ai.operation.name': 'agent_step' };
    case 'chat':
      return {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        ...(model && { 'gen_ai.request.model': model }),
        // Those of other traces are other calls.
        ...(callId && { 'gen_ai.response.id': callId + traceId }),
        ...(tokens && { 'gen_ai.usage.input_tokens': tokens[0], 'gen_ai.usage.output_tokens': tokens[1] }),
        ...(question && { 'gen_ai.input.messages': genAiMessages('user', question + traceId) }),
        ...(answer && { 'gen_ai.output.messages': genAiMessages('assistant', answer + traceId) }),
      };
    case 'openinference':
      return {
        'openinference.span.kind': 'LLM',
        ...(model && { 'llm.model_name': model }),
        ...(tokens && { 'llm.token_count.prompt': tokens[0], 'llm.token_count.completion': tokens[1] }),
        ...(question && {
          'llm.input_messages.0.message.role': 'user',
          'llm.input_messages.0.message.content': question + traceId,
        }),
        ...(answer && {
          'llm.output_messages.0.message.role': 'assistant',
          'llm.output_messages.0.message.content': answer + traceId,
        }),
      };
    case 'tool':
      return {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'search',
        ...(question && { 'gen_ai.tool.call.arguments': JSON.stringify({ query: question }) }),
        ...(answer && { 'gen_ai.tool.call.result': answer }),
      };
    case 'mcp':
      return {
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': 'search',
        ...(question && { 'gen_ai.tool.call.arguments': JSON.stringify({ query: question }) }),
        ...(answer && { 'gen_ai.tool.call.result': answer }),
      };
    case 'agent':
      return {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'helper',
        ...(callId && model && { 'gen_ai.request.model': model }),
        ...(tokens && { 'gen_ai.usage.input_tokens': tokens[0], 'gen_ai.usage.output_tokens': tokens[1] }),
      };
    default:
      return {
        'openinference.span.kind': 'CHAIN',
        ...(question && { 'input.value': question }),
        ...(answer && { 'output.value': answer }),
      };
  }
}

function genAiMessages(role: string, content: string): string {
  return JSON.stringify([
    { role, parts: [{ type: 'text', content }], ...(role === 'assistant' && { finish_reason: 'stop' }) },
  ]);
}
