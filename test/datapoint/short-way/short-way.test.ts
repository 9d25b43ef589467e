/** The short way says exactly what the long way says, or nothing. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EncodedDatapoint } from '../../../src/datapoint/encode.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { loadRecording, recordingNames, toSpans } from '../../conventions/recordings.ts';
import { makeSpan } from '../../conventions/span.ts';
import { contentOf, waveOf, writeLong, writeShortly } from './both-ways.ts';
import { spanNearGenAi } from './near-gen-ai.ts';
import { STREAM, spanNearOpenInference } from './near-openinference.ts';
import { spanNearOpenLlmetry } from './near-openllmetry.ts';
import { spanNearToolMessages } from './near-tool-messages.ts';
import { spanNearVercelAi } from './near-vercel-ai.ts';

const RUNS = Number(process.env['RUNS'] ?? 2_000);

/** Each with the vocabularies that its spans are of. */
const NEAR: readonly (readonly [name: string, span: fc.Arbitrary<SpanSlice>, conventions: readonly string[]])[] = [
  ['GenAI conventions', spanNearGenAi, ['gen-ai', 'openllmetry', 'vercel-ai']],
  ['OpenInference', spanNearOpenInference, ['openinference']],
  ['AI SDK', spanNearVercelAi, ['vercel-ai']],
  ['OpenLLMetry', spanNearOpenLlmetry, ['openllmetry']],
];

it.each(NEAR)(
  'says what the long way says about spans near the common shape: %s, a third',
  (_name, near, conventions) => {
    const known: string[] = [];
    let count = 0;
    fc.assert(
      fc.property(near, (span) => {
        count++;
        const short = writeShortly(span);
        if (!short) return;
        const long = writeLong(span);
        expect(contentOf(short)).toEqual(contentOf(long));
        known.push(conventionOf(short));
        const wave = waveOf(short, long);
        const [first, second] = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(wave));
        expect(first).toEqual(second);
      }),
      { numRuns: RUNS },
    );
    expect(known.length / count).toBeGreaterThan(1 / 3);
    expect(known).toEqual(expect.arrayContaining([...conventions]));
  },
);

function conventionOf(datapoint: EncodedDatapoint): string {
  return (contentOf(datapoint) as { metadata: { convention: string } }).metadata.convention;
}

it('says what the long way says about results of tools in all orders', () => {
  let known = 0;
  fc.assert(
    fc.property(spanNearToolMessages, (span) => {
      const short = writeShortly(span);
      if (!short) return;
      known++;
      expect(contentOf(short)).toEqual(contentOf(writeLong(span)));
    }),
    { numRuns: RUNS },
  );
  expect(known).toBeGreaterThan(RUNS / 3);
});

it('keeps the call that a result answers when its text is the JSON of blocks', () => {
  const response = [{ type: 'text', content: '[{"type":"text","text":"sunny"}]' }];
  const span = makeSpan(
    {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.input.messages': JSON.stringify([
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response }] },
        { role: 'user', parts: [{ type: 'text', content: 'And tomorrow?' }] },
      ]),
    },
    { scope: '@traceloop/instrumentation-langchain' },
  );
  expect(contentOf(writeLong(span))).toMatchObject({
    messages: [
      { role: 'tool', content: 'sunny', tool_call_id: 'call_1' },
      { role: 'user', content: 'And tomorrow?' },
    ],
  });
  expect(writeShortly(span)).toBeUndefined();
});

it.each([
  ['as it came over the wire', STREAM],
  ['in quotes', JSON.stringify(STREAM)],
  ['in quotes, after a line', JSON.stringify(`\n${STREAM}`)],
])('leaves an answer to the long way that is a stream of events, %s', (_title, answer) => {
  const span = makeSpan({
    'openinference.span.kind': 'LLM',
    'llm.model_name': 'gpt-4o',
    'llm.system': 'openai',
    'input.value': '{"model":"gpt-4o","messages":[{"role":"user","content":"b"}]}',
    'input.mime_type': 'application/json',
    'llm.input_messages.0.message.role': 'user',
    'llm.input_messages.0.message.content': 'b',
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.content': 'a',
    'llm.token_count.prompt': 5,
    'llm.token_count.completion': 6,
    'output.value': answer,
    ...(answer !== STREAM && { 'output.mime_type': 'application/json' }),
  });
  expect(contentOf(writeLong(span))).toMatchObject({ output: 'a', metadata: { finish_reason: 'length' } });
  expect(writeShortly(span)).toBeUndefined();
});

it('says what the long way says about all recordings', () => {
  const known: string[] = [];
  for (const name of recordingNames()) {
    for (const span of toSpans(loadRecording(name))) {
      const short = writeShortly(span);
      if (!short) continue;
      known.push(name);
      expect(contentOf(short)).toEqual(contentOf(writeLong(span)));
    }
  }
  expect(new Set(known).size).toBeGreaterThan(40);
});

/** Of each kind, with all that its short way knows in the texts. */
const WHOLE: readonly Record<string, string>[] = [
  {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.input.messages':
      '[{"role":"user","parts":[{"type":"text","content":"a \\"b\\"\\n’"},{"type":"text","content":"x\\u00e9"}]},' +
      '{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"n","arguments":{"a":[1,"}"]}}]},' +
      '{"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":"r"}]}]',
    'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"yes"}],"finish_reason":"stop"}]',
  },
  {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.system_instructions': '[{"type":"text","content":"be brief"}]',
    'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"no"}]}]',
  },
  {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'lookup',
    'gen_ai.tool.call.arguments': '{"a":"b","c":[1,{"d":null}]}',
    'gen_ai.tool.call.result': '{"role":"t","content":"x"}',
  },
  {
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.id': 'gpt-4o',
    'ai.prompt.messages':
      '[{"role":"system","content":"be \\"brief\\""},{"role":"user","content":[{"type":"text","text":"a’"}]},' +
      '{"role":"assistant","content":[{"type":"tool-call","toolCallId":"c","toolName":"n","input":{"a":[1,"}"]}}]},' +
      '{"role":"tool","content":[{"type":"tool-result","toolCallId":"c","toolName":"n","output":{"type":"text","value":"r"}}]}]',
    'ai.prompt.toolChoice': '{"type":"auto"}',
    'ai.response.text': 'yes',
    'ai.response.toolCalls': '[{"toolCallId":"d","toolName":"n","input":"{\\"b\\":1}"}]',
    'ai.response.providerMetadata': '{"openai":{"cachedPromptTokens":1}}',
  },
  {
    'openinference.span.kind': 'LLM',
    'llm.invocation_parameters': '{"model":"gpt-4o","stop":["x"]}',
    'input.value': '{"model":"gpt-4o","messages":[{"role":"user","content":"a"}]}',
    'llm.input_messages.0.message.role': 'user',
    'llm.input_messages.0.message.content': 'a',
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.tool_calls.0.tool_call.id': 'c',
    'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'n',
    'llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments': '{"a":"b"}',
    'output.value':
      '{"id":"1","choices":[{"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
  },
];
const REPLACEMENTS = ['', '"', '\\', '[', ']', '{', '}', ',', ':', ' ', '0', 'x', 'u', '\u0001', '\n', '\ud800', '’'];

it('says what the long way says when any one character of the texts is another', () => {
  let known = 0;
  for (const attributes of WHOLE) {
    expect(writeShortly(makeSpan(attributes))).toBeDefined();
    for (const key of Object.keys(attributes).filter((name) =>
      /messages|instructions|call|value|parameters|prompt|response/.test(name),
    )) {
      const text = attributes[key] as string;
      for (let at = 0; at < text.length; at++) {
        for (const replacement of REPLACEMENTS) {
          const span = makeSpan({ ...attributes, [key]: text.slice(0, at) + replacement + text.slice(at + 1) });
          const short = writeShortly(span);
          if (!short) continue;
          known++;
          expect(contentOf(short)).toEqual(contentOf(writeLong(span)));
        }
      }
    }
  }
  expect(known).toBeGreaterThan(1_000);
});
