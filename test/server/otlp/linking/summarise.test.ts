/** Calls with hidden content are judged from what is remembered of them as from their spans. */
import { expect, test } from 'vitest';
import type { Reading } from '../../../../src/conventions/convention.ts';
import { classifySpan, readSpan } from '../../../../src/conventions/index.ts';
import type { Attributes } from '../../../../src/otel/span-slice.ts';
import type { CallSummary } from '../../../../src/server/otlp/linking/skeletons/skeleton.ts';
import {
  hashOf,
  summarise,
  summariseContent,
  toCallSpan,
} from '../../../../src/server/otlp/linking/skeletons/summarise.ts';
import { decodePart, encodePart } from '../../../../src/server/otlp/linking/skeletons/trace-part.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';
import { type CallSpan, callSpanOf, questionOf } from '../../../../src/trace/same-call/call-span.ts';
import { resolveDuplicates } from '../../../../src/trace/same-call/same-call.ts';
import { makeSpan } from '../../../conventions/span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat' };
const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'summariser' };
const STOPPED = { 'gen_ai.response.finish_reasons': ['stop'] };
const LLM = { 'openinference.span.kind': 'LLM' };
const ADK = { 'gen_ai.system': 'gcp.vertex.agent', 'gen_ai.operation.name': 'generate_content' };
const counts = (model: string, input: number, output: number) => ({
  'gen_ai.request.model': model,
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
});

test.each<[string, string, Attributes, Attributes?]>([
  ['a call of ADK that has stopped', 'model', { ...ADK, ...STOPPED }],
  ['a call of ADK', 'model', ADK],
  ['a chat that names the model that answered', 'model', { ...CHAT, 'gen_ai.response.model': 'big-2' }],
  ['a chat', 'model', CHAT],
  ['a call of OpenInference', 'model', LLM, { 'openinference.span.kind': 'TOOL', 'tool.name': 'summariser' }],
  ['a step that names nothing but its counts', 'agent', {}],
  ['a step that has stopped', 'model', STOPPED],
])('%s stays a %s', (_what, kind, outer, tool = TOOL) => {
  const spans = [{ ...counts('big', 500, 60), ...outer }, tool, { ...counts('small', 80, 9), ...CHAT }];
  const told: CallSpan[] = [];
  const remembered: CallSpan[] = [];
  for (const [place, attributes] of spans.entries()) {
    const spanId = `${place + 1}`.repeat(16);
    const span = makeSpan(attributes, { spanId });
    const { kind: own = 'generic' } = classifySpan(span) ?? {};
    const reading = readSpan(span);
    told.push(callSpanOf(span, own, reading, told.at(-1)));
    const skeleton = afterBytes(spanId, toEnd(summarise(span, own, reading)));
    remembered.push(toCallSpan(skeleton, skeleton.own!, remembered.at(-1)));
  }
  expect([kindOf(told), kindOf(remembered)]).toEqual([kind, kind]);
});

function kindOf([first, ...others]: CallSpan[]): string {
  return (resolveDuplicates([first!, ...others]).get(first!) ?? first!).kind;
}

function afterBytes(spanId: string, own: CallSummary) {
  const names = { session: undefined, user: undefined, tags: undefined };
  const skeleton = {
    ...{ spanId, parentId: undefined, isRemoteParent: false, upstreamId: undefined, isSeen: true, startMillis: 1_000 },
    ...{ ...names, own, names: undefined, elsewhere: undefined, written: undefined, said: undefined, isKept: false },
  };
  return [...toEnd(decodePart(toEnd(encodePart({ context: names, skeletons: [skeleton] })))).skeletons][0]!;
}

test.each([
  ['short', 'a "text"'],
  ['long', 'a "text"\n \ud800 '.repeat(300_000)],
  ['long, with pairs at the ends of its parts', `a${'😀'.repeat(1_500_000)}`],
])('a %s question and answer have the hash of the whole text', (_, text) => {
  const reading: Reading = { messages: [{ role: 'user', content: text }], output: text };
  const steps = [...summariseContent(reading)];
  const { question, answer } = toEnd(summariseContent(reading));
  expect([question, answer]).toEqual([hashOf(questionOf(reading)), hashOf(text)]);
  expect(steps.length > 0).toBe(text.length > 1_000_000);
});
