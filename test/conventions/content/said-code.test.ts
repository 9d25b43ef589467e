/**
 * Data in the spelling of a language that stays the text of an answer or of a prompt is what somebody said: it says nothing else
 * of the call, and keeps its words.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reading } from '../../../src/conventions/convention.ts';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { documents } from '../answer-documents.ts';
import { PLACES } from '../answer-places.ts';
import { read } from '../span.ts';

const RUNS = 100;
const WORDS = 'It is sunny.';
const CHAT = { 'gen_ai.operation.name': 'chat' };

const PROMPTS: Readonly<Record<string, (prompt: string) => Attributes>> = {
  'gen-ai': (prompt) => ({ ...CHAT, 'gen_ai.prompt': prompt }),
  messages: (prompt) => ({ ...CHAT, 'gen_ai.input.messages': prompt }),
  openinference: (prompt) => ({ 'openinference.span.kind': 'LLM', 'input.value': prompt }),
  langfuse: (prompt) => ({ 'langfuse.observation.type': 'generation', 'langfuse.observation.input': prompt }),
  platforms: (prompt) => ({ 'lmnr.span.type': 'LLM', 'lmnr.span.input': prompt }),
  openllmetry: (prompt) => ({ 'llm.request.type': 'chat', 'traceloop.entity.input': prompt }),
  'a part': (prompt) => ({
    ...CHAT,
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: prompt }] }]),
  }),
};

type Writer = (value: unknown) => string;

/** Writes a value, and an object as `entriesOf` and `around` say. */
function writer(key: (name: string) => string, around: (inner: string) => string, nil: string): Writer {
  const write: Writer = (value) => {
    if (value === null) return nil;
    if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
    if (typeof value !== 'object') return JSON.stringify(value);
    return around(
      Object.entries(value)
        .map(([name, item]) => key(name) + write(item))
        .join(', '),
    );
  };
  return write;
}

const braces = (inner: string) => `{${inner}}`;
const LANGUAGES: Readonly<Record<string, Writer>> = {
  Ruby: writer((name) => `:${name}=>`, braces, 'nil'),
  'Ruby 3.4': writer((name) => `${name}: `, braces, 'nil'),
  Elixir: writer(
    (name) => `${name}: `,
    (inner) => `%{${inner}}`,
    'nil',
  ),
  Clojure: writer((name) => `:${name} `, braces, 'nil'),
  Node: writer(
    (name) => `${name}: `,
    (inner) => `{ ${inner} }`,
    'null',
  ),
  Swift: writer(
    (name) => `"${name}": `,
    (inner) => `[${inner}]`,
    'nil',
  ),
  Rust: writer(
    (name) => `${name}: `,
    (inner) => `Answer { ${inner} }`,
    'None',
  ),
  Go: writer(
    (name) => `${name}:`,
    (inner) => `app.Answer{${inner}}`,
    'nil',
  ),
};

function around({ output: _output, outputMessage, messages, ...reading }: Reading): unknown {
  const { content: _content, ...message } = outputMessage ?? {};
  return { ...reading, message, roles: messages?.map(({ role }) => role) };
}

const OF_ANSWERS = /^(?:response|answer|choices|output|role|(?:finish|stop|done)_?reason)$/i;
/** Without the fields that make an object an answer or a message. */
const said = documents
  .map((document) => Object.fromEntries(Object.entries(document).filter(([name]) => !OF_ANSWERS.test(name))))
  .filter((document) => Object.keys(document).length > 1);

it.each([
  { 'openinference.span.kind': 'LLM', 'input.value': "{'prompts': ['Hi']}" },
  { 'llm.request.type': 'chat', 'traceloop.entity.input': "{'prompt': 'Hi'}" },
])('a request is none: %j', (attributes) => {
  expect(read(attributes).messages).toEqual([{ role: 'user', content: 'Hi' }]);
});

describe.each([
  'usage_metadata {\n  prompt_token_count: 5\n}\n',
  "Counter({'prompt_tokens': 5})",
  '({"model": "T3"}, [1, 2])',
  'parts {\n  name: "bolt"\n}\n',
  '{:ok, value}',
  '%{a: 1}',
  '[]int{1, 2}',
])('the text %j', (text) => {
  it.each([...Object.entries(PLACES), ...Object.entries(PROMPTS)])('stays as it is in %s', (_place, spanOf) => {
    const reading = read(spanOf(text));
    expect(reading.output ?? reading.messages?.[0]?.content).toBe(text);
    expect(around(reading)).toEqual(around(read(spanOf(WORDS))));
  });
});

describe.each(Object.entries(LANGUAGES))('%s', (_language, write) => {
  it.each(Object.entries(PLACES))('is what the model said in an answer of %s', (_place, spanOf) => {
    const plain = around(read(spanOf(WORDS)));
    fc.assert(
      fc.property(said, (document) => {
        const text = write(document);
        const reading = read(spanOf(text));
        expect(reading.output).toBe(text);
        expect(around(reading)).toEqual(plain);
      }),
      { numRuns: RUNS },
    );
  });

  it.each(Object.entries(PROMPTS))('is what the user said in a prompt of %s', (_place, spanOf) => {
    const text = write({ city: 'Paris', model: 'T3', temperature: 9, usage: { prompt_tokens: 5 }, tools: ['saw'] });
    const reading = read(spanOf(text));
    expect(reading.messages).toEqual([{ role: 'user', content: text }]);
    expect(around(reading)).toEqual(around(read(spanOf(WORDS))));
  });
});
