/**
 * Sources put words of models and users into fields of structure: a reason in whole sentences, a class of errors that is the
 * message. Each text of each recording is replaced by a sentence in turn, and only names may be one.
 */
import { expect, test } from 'vitest';
import type { LogKind } from '../../../src/conventions/convention.ts';
import { classifySpan, readSpan } from '../../../src/conventions/index.ts';
import { toDatapoint } from '../../../src/datapoint/to-datapoint.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { loadRecording, recordingNames, SETTINGS, toSpans } from '../../conventions/recordings.ts';

const SENTENCE = 'Anna Berg is ill';
const IDENTITY = { referenceId: 'trace-span', sessionReferenceId: 'session' };
/** Where logs have names of agents, tools, prompts and evaluations, and who judged. */
const NAMES = /(?:[._](?:name|path|workflow|project)|\.agent_class|\.feedback\.\d+\.(?:type|user))$/;
const MAX_TEXTS = 60;

test('a sentence in place of any text stays out of all but names', { timeout: 240_000 }, () => {
  const found = new Set<string>();
  let count = 0;
  for (const name of recordingNames()) {
    for (const span of toSpans(loadRecording(name))) {
      for (const key of Object.keys(span.attributes)) {
        for (const value of withSentences(span.attributes[key])) {
          count++;
          for (const path of pathsIn(withoutContent({ ...span, attributes: { ...span.attributes, [key]: value } })))
            if (!NAMES.test(path)) found.add(`${path} from ${key}`);
        }
      }
    }
  }
  expect(count).toBeGreaterThan(10_000);
  expect([...found]).toEqual([]);
});

function withoutContent(span: SpanSlice): unknown {
  const kind = classifySpan(span)?.kind as LogKind | undefined;
  return kind && toDatapoint(span, kind, readSpan(span), IDENTITY, { ...SETTINGS, captureContent: false });
}

/** The value as a sentence, and the value with a sentence for each text of its JSON. */
function* withSentences(value: unknown): Iterable<unknown> {
  if (Array.isArray(value)) yield value.map((item) => (typeof item === 'string' ? SENTENCE : item));
  if (typeof value !== 'string') return;
  yield SENTENCE;
  const json = /^[[{]/.test(value) ? parsed(value) : undefined;
  for (const [holder, key] of textsIn(json).slice(0, MAX_TEXTS)) {
    const text = holder[key];
    holder[key] = SENTENCE;
    yield JSON.stringify(json);
    holder[key] = text;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textsIn(value: unknown): [holder: Record<string, unknown>, key: string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) =>
    typeof holder[key] === 'string' ? [[holder, key] as [Record<string, unknown>, string]] : textsIn(holder[key]),
  );
}

function pathsIn(value: unknown, path = ''): string[] {
  if (typeof value === 'string') return value.includes(SENTENCE) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => pathsIn(item, `${path}.${key}`));
}
