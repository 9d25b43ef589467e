/** The one look through the keys of a span: it must miss no vocabulary, and spare the others all look-ups. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasContextSign, mayBeMeant, takeCensus } from '../../src/conventions/census.ts';
import { environmentIn, readSession, readTags, readUser } from '../../src/conventions/context.ts';
import type { Convention } from '../../src/conventions/convention.ts';
import { CONVENTIONS, censusOf, classifySpan, readSpan } from '../../src/conventions/index.ts';
import type { Attributes, SpanSlice } from '../../src/otel/span-slice.ts';
import { loadRecording, recordingNames, toSpan, toStartedSpan } from './recordings.ts';
import { makeSpan } from './span.ts';

const RECORDED = recordingNames().flatMap((name) => loadRecording(name).spans);
const SPANS = RECORDED.flatMap((recorded) => [toSpan(recorded), toStartedSpan(recorded)]);

/** The keys that any `classify` asks for, with the values that recordings have there. */
const VALUES = new Map<string, unknown[]>();
for (const span of SPANS) {
  const attributes = new Proxy(span.attributes, {
    get: (target, key) => {
      const value = target[String(key)];
      const values = VALUES.get(String(key)) ?? [true];
      VALUES.set(String(key), value === undefined ? values : [...values, value].slice(-50));
      return value;
    },
  });
  for (const convention of CONVENTIONS) convention.classify({ ...span, attributes });
}

/** Scopes, span names and values that mean something to a vocabulary, and others. */
const WORDS = [
  ...new Set(SPANS.flatMap(({ name, instrumentationScope }) => [name, instrumentationScope?.name ?? ''])),
  ...CONVENTIONS.flatMap(({ signs }) => [...(signs?.scopes ?? []), ...(signs?.names ?? [])]),
];
const MEANINGFUL = [
  ...['gen_ai', 'gcp.vertex.agent', 'strands-agents', 'strands.telemetry.tracer', '@openlit/x', 'openlit', 'litellm'],
  ...['com.anthropic.sdk.messages', 'com.anthropic.claude_code', 'pydantic-ai', 'logfire.openai', '@traceloop/x'],
  ...['opentelemetry.instrumentation.openai', 'humanloop.prompt', 'humanloop.flow', 'ai.toolCall', 'ai.generateText'],
  ...['anthropic.messages.create', 'claude_code.tool', 'haystack.agent.run', 'haystack.pipeline.run', 'call_llm'],
  ...['chat', 'agent_step', 'LLM', 'gen_ai.chat', 'auto.ai.openai', 'raw_gen_ai_request', 'embedding', 'task'],
];
const word = fc.oneof(fc.constantFrom(...MEANINGFUL), fc.constantFrom(...WORDS));
const entry = fc
  .constantFrom(...VALUES.keys())
  .chain((key) => fc.tuple(fc.constant(key), fc.oneof(fc.constantFrom(...VALUES.get(key)!), word)));
const mixedSpan = fc
  .record({
    attributes: fc.array(entry, { maxLength: 5 }).map((entries) => Object.fromEntries(entries) as Attributes),
    name: word,
    scope: word,
    isOpen: fc.boolean(),
  })
  .map(({ attributes, isOpen, ...names }) => ({ ...makeSpan(attributes, names), ended: !isOpen }));

function expectNoneMissed(span: SpanSlice): void {
  const { signs } = censusOf(span);
  const asked = mayBeMeant(signs, CONVENTIONS);
  const missed = CONVENTIONS.filter(
    (convention) => convention.classify(span) !== undefined && !asked.includes(convention),
  );
  expect(missed.map(({ name }) => name)).toEqual([]);
  expect(asked).toEqual(CONVENTIONS.filter((convention) => asked.includes(convention)));
  const context = [readSession(span), readUser(span), readTags(span), environmentIn(span.attributes)];
  if (context.some((found) => found !== undefined)) expect(hasContextSign(signs)).toBe(true);
}

describe('no vocabulary is missed', () => {
  it('on recorded spans, open and ended', () => {
    for (const span of SPANS) expectNoneMissed(span);
  });

  it('on spans that mix the keys, scopes and names of all vocabularies', () => {
    fc.assert(fc.property(mixedSpan, expectNoneMissed), { numRuns: 5_000 });
  });

  it('if all have signs', () => {
    for (const { signs, name } of CONVENTIONS) expect([name, signs]).toEqual([name, expect.anything()]);
  });
});

it.each([
  ['openllmetry', 'traceloop.span.kind'],
  ['gen-ai', 'gen_ai.request.model'],
  ['openinference', 'openinference.span.kind'],
  ['vercel-ai', 'ai.operationId'],
])('only vocabularies with a sign on spans of %s are asked about them', (name, key) => {
  const { signs } = censusOf(makeSpan({ [key]: 'x' }));
  const asked = mayBeMeant(signs, CONVENTIONS);
  expect(asked.map((convention) => convention.name)).toContain(name);
  for (const { signs: known } of asked) {
    expect(known?.keys?.includes(key) || known?.prefixes?.some((beginning) => key.startsWith(beginning))).toBe(true);
  }
});

describe("an app's own conventions", () => {
  const own = (name: string, more: Partial<Convention> = {}): Convention => ({
    name,
    classify: ({ attributes }) => (attributes['own'] === name ? 'tool' : undefined),
    read: () => ({ output: name }),
    ...more,
  });

  it('are asked about every span if they have no signs', () => {
    const conventions = [own('first'), ...CONVENTIONS];
    expect(classifySpan(makeSpan({ own: 'first' }), conventions)).toMatchObject({ kind: 'tool', convention: 'first' });
    expect(readSpan(makeSpan({ own: 'first' }), conventions).output).toBe('first');
  });

  it('are asked only about spans with their signs if they have any', () => {
    let asked = 0;
    const classify = () => {
      asked++;
      return undefined;
    };
    const signs = { keys: ['a.key'], prefixes: ['b.'], scopes: ['a-scope'], names: ['a name'] };
    const conventions = [own('first', { classify, signs })];
    for (const key of ['a.key', 'b.anything']) classifySpan(makeSpan({ [key]: 1 }), conventions);
    classifySpan(makeSpan({}, { scope: 'a-scope-of-ours' }), conventions);
    classifySpan(makeSpan({}, { name: 'a name' }), conventions);
    expect(asked).toBe(4);
    classifySpan(makeSpan({ 'a.key.more': 1, b: 1 }, { scope: 'no-scope', name: 'no name' }), conventions);
    expect(asked).toBe(4);
  });

  it('may be more than there are bits', () => {
    const names = Array.from({ length: 70 }, (_, index) => `own ${index}`);
    const conventions = [...CONVENTIONS, ...names.map((name) => own(name, { signs: { keys: ['own'] } }))];
    for (const name of names) {
      expect(classifySpan(makeSpan({ own: name }), conventions)).toMatchObject({ convention: name });
    }
    expect(hasContextSign(takeCensus(makeSpan({ own: 1 }), conventions).signs)).toBe(false);
  });
});

it('spares a plain HTTP span all look-ups, and reads each value once', () => {
  const reads: PropertyKey[] = [];
  const attributes = { 'http.request.method': 'POST', 'url.path': '/v1/chat', 'server.port': 443 };
  const watched = new Proxy(attributes, {
    get: (target, key) => {
      reads.push(key);
      return Reflect.get(target, key);
    },
  });
  const span = { ...makeSpan({}), attributes: watched };
  const { signs } = censusOf(span);
  expect(classifySpan(span, CONVENTIONS, signs)).toBeUndefined();
  expect(hasContextSign(signs)).toBe(false);
  expect(reads).toEqual(Object.keys(attributes));
});

it('stays right when there are more keys than it remembers', () => {
  for (let i = 0; i < 20_000; i++) expect(hasContextSign(censusOf(makeSpan({ [`key.${i}`]: i })).signs)).toBe(false);
  expect(classifySpan(makeSpan({ 'mastra.span.type': 'agent_run' }))?.convention).toBe('mastra');
  expect(hasContextSign(censusOf(makeSpan({ 'session.id': 's', ['k'.repeat(10_000)]: 1 })).signs)).toBe(true);
});

describe('the bytes', () => {
  it('grow with the texts, wherever they stand', () => {
    const bytes = (span: SpanSlice) => censusOf(span).bytes;
    const empty = bytes(makeSpan({}));
    const text = 'x'.repeat(10_000);
    const events = [{ name: 'event', attributes: { content: text } }];
    for (const span of [makeSpan({ a: text }), makeSpan({ a: [{ b: text }] }), makeSpan({}, { events })]) {
      expect(bytes(span) - empty).toBeGreaterThan(10_000);
      expect(bytes(span) - empty).toBeLessThan(10_500);
    }
  });

  it('of a value that throws are those of a small one, and its key still counts', () => {
    const throwing = Object.defineProperty({}, 'value', {
      enumerable: true,
      get: () => {
        throw new Error('a getter');
      },
    });
    const { signs, bytes } = censusOf(makeSpan({ a: throwing, 'session.id': 's' }));
    expect(hasContextSign(signs)).toBe(true);
    expect(bytes).toBe(censusOf(makeSpan({ a: 1, 'session.id': 's' })).bytes);
  });
});

it('asks all conventions about a span whose keys cannot be listed', () => {
  const attributes = new Proxy(
    { 'mastra.span.type': 'agent_run' },
    {
      ownKeys: () => {
        throw new Error('a proxy');
      },
    },
  );
  expect(classifySpan({ ...makeSpan({}), attributes })?.convention).toBe('mastra');
});
