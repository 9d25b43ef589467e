/** The short way says exactly what the long way says, or nothing. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EncodedDatapoint } from '../../../src/datapoint/encode.ts';
import { loadRecording, recordingNames, toSpans } from '../../conventions/recordings.ts';
import { makeSpan } from '../../conventions/span.ts';
import { contentOf, waveOf, writeLong, writeShortly } from './both-ways.ts';
import { spanNearGenAi } from './near-gen-ai.ts';

const RUNS = Number(process.env['RUNS'] ?? 3_000);

it('says what the long way says about spans near the common shape, of which it knows a third', () => {
  const known: string[] = [];
  let count = 0;
  fc.assert(
    fc.property(spanNearGenAi, (span) => {
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
  expect([...new Set(known)].sort()).toEqual(['gen-ai', 'openllmetry', 'vercel-ai']);
});

function conventionOf(datapoint: EncodedDatapoint): string {
  return (contentOf(datapoint) as { metadata: { convention: string } }).metadata.convention;
}

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
  expect(new Set(known).size).toBeGreaterThan(5);
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
];
const REPLACEMENTS = ['', '"', '\\', '[', ']', '{', '}', ',', ':', ' ', '0', 'x', 'u', '\u0001', '\n', '\ud800', '’'];

it('says what the long way says when any one character of the texts is another', () => {
  let known = 0;
  for (const attributes of WHOLE) {
    expect(writeShortly(makeSpan(attributes))).toBeDefined();
    for (const key of Object.keys(attributes).filter((name) => /messages|instructions|call/.test(name))) {
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
