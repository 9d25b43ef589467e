import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogKind, Reading } from '../../../src/conventions/convention.ts';
import { type CallSpan, mayBeSum } from '../../../src/trace/same-call/call-span.ts';
import { resolveDuplicates } from '../../../src/trace/same-call/same-call.ts';
import { makeSpan } from '../../conventions/span.ts';

const QUESTION: Reading = { messages: [{ role: 'user', content: 'Weather?' }] };
const USAGE: Reading = { promptTokens: 42, outputTokens: 9 };

let spanCount = 0;

function span(kind: LogKind, reading: Reading = {}, parent?: CallSpan, more: Partial<CallSpan> = {}): CallSpan {
  const spanId = String(++spanCount).padStart(16, '0');
  return { spanId, parent, kind, reading, scope: 'one', startMillis: 0, endMillis: 100, ...more };
}

/** Kind and tokens of each span, with the others judged. */
function verdicts(...spans: CallSpan[]): string[] {
  const corrections = resolveDuplicates(spans);
  return spans.map((each) => {
    const { kind, reading } = corrections.get(each) ?? each;
    if (kind === 'plumbing') return kind;
    return `${kind} ${reading.promptTokens ?? '-'}/${reading.outputTokens ?? '-'}`;
  });
}

describe('a span with a call below it', () => {
  it('is a wrapper, and its counts are an aggregate', () => {
    const outer = span('model', { ...QUESTION, ...USAGE, metadata: { cache_read_tokens: 16, response_model: 'm' } });
    const inner = span('model', { ...QUESTION, ...USAGE }, outer);
    expect(verdicts(outer, inner)).toEqual(['generic -/-', 'model 42/9']);
    expect(resolveDuplicates([outer, inner]).get(outer)?.reading.metadata).toEqual({
      response_model: 'm',
      usage: { prompt_tokens: 42, output_tokens: 9, cache_read_tokens: 16 },
    });
  });

  it('is an agent where tools ran below it', () => {
    const outer = span('model', { ...QUESTION, promptTokens: 84, outputTokens: 18 });
    const first = span('model', { ...QUESTION, ...USAGE }, outer);
    const tool = span('tool', {}, outer);
    const second = span('model', { ...QUESTION, ...USAGE }, outer);
    expect(verdicts(first, tool, second, outer)).toEqual(['model 42/9', 'tool -/-', 'model 42/9', 'agent -/-']);
  });

  it('is a wrapper with chains and agents between, and wrappers between', () => {
    const top = span('model', USAGE);
    const chain = span('generic', {}, top);
    const middle = span('model', { ...USAGE }, chain);
    const agent = span('agent', {}, middle);
    const call = span('model', { ...QUESTION, ...USAGE }, agent);
    expect(verdicts(call, agent, middle, chain, top).filter((verdict) => verdict.startsWith('model'))).toEqual([
      'model 42/9',
    ]);
  });

  it.each<[string, Reading, Reading]>([
    ['a response id', { callId: 'a', ...USAGE }, { callId: 'b', ...USAGE }],
    ['usage', { promptTokens: 500, outputTokens: 70 }, USAGE],
  ])('is a call of its own with %s that nothing below it has', (_what, outer, inner) => {
    const above = span('model', { ...QUESTION, ...outer });
    const under = span('model', { ...QUESTION, ...inner }, above);
    expect(verdicts(above, under).map((verdict) => verdict.split(' ')[0])).toEqual(['model', 'model']);
  });

  it('is the same call if only the count of cached input differs', () => {
    const outer = span('model', { promptTokens: 20, outputTokens: 9, ...QUESTION });
    const inner = span('model', { promptTokens: 42, outputTokens: 9, ...QUESTION }, outer);
    expect(verdicts(outer, inner)).toEqual(['generic -/-', 'model 42/9']);
  });

  it('keeps the call if it has the messages, and the counts that only the other has', () => {
    const outer = span('model', { ...QUESTION, output: 'rainy' });
    const inner = span('model', { ...USAGE, callId: 'msg_1', metadata: { cache_read_tokens: 17 } }, outer);
    expect(verdicts(outer, inner)).toEqual(['model 42/9', 'plumbing']);
    expect(resolveDuplicates([outer, inner]).get(outer)?.reading.metadata).toEqual({ cache_read_tokens: 17 });
  });

  it('is a wrapper if it asks and answers something else and counts nothing', () => {
    const outer = span('model', { ...QUESTION, output: 'Take an umbrella.' });
    const inner = span('model', { ...QUESTION, ...USAGE, output: 'rainy' }, span('tool', {}, outer));
    expect(verdicts(outer, inner)).toEqual(['agent -/-', 'model 42/9']);
  });

  it('is left alone if what is below is an embedding', () => {
    const outer = span('model', { ...QUESTION, ...USAGE });
    const embedding = span('generic', { promptTokens: 3 }, outer);
    expect(verdicts(outer, embedding)).toEqual(['model 42/9', 'generic 3/-']);
  });

  it('counts nothing as an embedding around the embedding that was made', () => {
    const outer = span('generic', { promptTokens: 3 });
    expect(verdicts(outer, span('generic', { promptTokens: 3 }, outer))).toEqual(['generic -/-', 'generic 3/-']);
  });

  it('counts nothing as a chain around calls', () => {
    const outer = span('generic', { promptTokens: 84, outputTokens: 18 });
    expect(verdicts(outer, span('model', USAGE, outer))).toEqual(['generic -/-', 'model 42/9']);
  });
});

describe('a step that has nothing but counts', () => {
  const sum = { promptTokens: 90, outputTokens: 20 };
  const judge = ({ metadata, ...more }: Reading, attributes = {}) => {
    const reading = { ...more, metadata: { convention: 'gen-ai', ...metadata } };
    const outer = span('model', reading, undefined, { mayBeSum: mayBeSum(makeSpan(attributes), 'model', reading) });
    return verdicts(
      outer,
      span('model', { ...QUESTION, ...USAGE }, outer),
      span('model', { ...QUESTION, ...USAGE }, outer),
    )[0];
  };

  it('has the sum of the calls below it, and of calls without spans', () => {
    expect(judge(sum)).toBe('generic -/-');
  });

  it.each<[string, Reading]>([
    ['was asked something', QUESTION],
    ['has answered', { output: 'Sunny.' }],
    ['has stopped', { finishReason: 'stop' }],
    ['names the model that answered', { metadata: { response_model: 'm' } }],
    ['counts less', { outputTokens: 17 }],
  ])('is a call if it %s', (_what, more) => {
    expect(judge({ ...sum, ...more })).toBe(`model 90/${more.outputTokens ?? 20}`);
  });

  it('is a call if it names its operation, or is one by another vocabulary', () => {
    expect(judge(sum, { 'gen_ai.operation.name': 'chat' })).toBe('model 90/20');
    expect(judge({ ...sum, metadata: { convention: 'openinference' } })).toBe('model 90/20');
  });
});

describe('two instrumentations side by side', () => {
  const outer = { startMillis: 0, endMillis: 100 };
  const inner = { startMillis: 10, endMillis: 90, scope: 'two' };
  const answered: Reading = { ...QUESTION, ...USAGE, model: 'gpt-4o', output: 'rainy' };

  it.each<[string, Reading, Reading]>([
    ['response id', { callId: 'a', ...USAGE }, { callId: 'a', ...USAGE }],
    ['answer', answered, { ...answered, model: 'gpt-4o-2024-08-06', callId: 'a' }],
  ])('are one call with the same %s', (_what, first, second) => {
    const around = span('model', first, undefined, outer);
    const within = span('model', second, undefined, inner);
    expect(verdicts(around, within)).toEqual(['plumbing', 'model 42/9']);
    expect(verdicts(within, around)).toEqual(['model 42/9', 'plumbing']);
  });

  it('are one call with the same question, and the one that has the answer keeps it', () => {
    const around = span('model', answered, undefined, outer);
    const within = span('model', { ...QUESTION, ...USAGE }, undefined, inner);
    expect(verdicts(around, within)).toEqual(['model 42/9', 'plumbing']);
  });

  it.each<[string, CallSpan, CallSpan]>([
    ['one instrumentation', span('model', answered), span('model', answered)],
    [
      'one after the other',
      span('model', answered),
      span('model', answered, undefined, { ...inner, startMillis: 150 }),
    ],
    [
      'only overlapping',
      span('model', answered, undefined, { startMillis: 0, endMillis: 50 }),
      span('model', answered, undefined, { ...inner, startMillis: 20 }),
    ],
    [
      'different ids',
      span('model', { ...answered, callId: 'a' }),
      span('model', { ...answered, callId: 'b' }, undefined, inner),
    ],
    ['different answers', span('model', answered), span('model', { ...answered, output: 'dry' }, undefined, inner)],
    [
      'different questions',
      span('model', answered),
      span('model', { ...answered, messages: [{ role: 'user', content: 'Rain?' }] }, undefined, inner),
    ],
    ['different models', span('model', answered), span('model', { ...answered, model: 'claude' }, undefined, inner)],
    ['models of like names', span('model', answered), span('model', { ...answered, model: 'gpt-4' }, undefined, inner)],
    [
      'one still open',
      span('model', answered, undefined, { endMillis: undefined }),
      span('model', answered, undefined, inner),
    ],
  ])('are two calls with %s', (_what, first, second) => {
    expect(verdicts(first, second)).toEqual(['model 42/9', 'model 42/9']);
  });
});

describe('any trace', () => {
  const reading = fc.record(
    {
      callId: fc.constantFrom('a', 'b', 'c'),
      promptTokens: fc.constantFrom(1, 42),
      outputTokens: fc.constantFrom(1, 9),
      output: fc.constantFrom('rainy', 'dry'),
      model: fc.constantFrom('gpt-4o', 'claude'),
      messages: fc.constant(QUESTION.messages),
    },
    { requiredKeys: [] },
  );
  const trace = fc
    .array(
      fc.record({
        parent: fc.nat(),
        kind: fc.constantFrom<LogKind>('model', 'model', 'tool', 'agent', 'generic'),
        reading,
        scope: fc.constantFrom('one', 'two', 'three'),
        start: fc.nat(3),
        length: fc.nat(8),
      }),
      { maxLength: 20 },
    )
    .map((all) => {
      const spans: CallSpan[] = [];
      for (const { parent, kind, reading: read, scope, start, length } of all) {
        const above = spans.length > 0 && parent % 3 !== 0 ? spans[parent % spans.length] : undefined;
        spans.push(span(kind, read as Reading, above, { scope, startMillis: start, endMillis: start + length }));
      }
      return spans;
    });

  it('keeps a call, and no counts on what is none', () => {
    fc.assert(
      fc.property(trace, (spans) => {
        const corrections = resolveDuplicates(spans);
        const kindOf = (each: CallSpan) => (corrections.get(each) ?? each).kind;
        // A trace with LLM spans never comes out without one.
        if (spans.some(({ kind }) => kind === 'model'))
          expect(spans.some((each) => kindOf(each) === 'model')).toBe(true);
        for (const [each, { kind, reading: read, keeper }] of corrections) {
          expect(each.kind === 'tool' || each.kind === 'model' || each.kind === 'generic').toBe(true);
          // What has the log of a call is a log itself, after a step or several.
          if (kind === 'plumbing') expect(keeper && kindOf(keeper)).toBeDefined();
          if (kind !== 'model' && kind !== 'plumbing')
            expect([read.promptTokens, read.outputTokens]).toEqual([undefined, undefined]);
        }
      }),
    );
  });

  it('does not depend on the order of the spans', () => {
    const inTwoOrders = trace.chain((spans) =>
      fc.tuple(fc.constant(spans), fc.shuffledSubarray(spans, { minLength: spans.length })),
    );
    fc.assert(
      fc.property(inTwoOrders, ([spans, shuffled]) => {
        const [one, other] = [resolveDuplicates(spans), resolveDuplicates(shuffled)];
        expect(spans.map((each) => other.get(each))).toEqual(spans.map((each) => one.get(each)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('fills in what a call lacks from no more spans than are needed', () => {
    const spans: CallSpan[] = [];
    for (let index = 0; index < 200; index++) {
      const says = { ...USAGE, contentMetadata: { [`of ${index}`]: true } };
      spans.push(span('model', says, spans.at(-1), { scope: `scope ${index % 2}` }));
    }
    const corrections = resolveDuplicates(spans);
    expect(spans.filter((each) => corrections.get(each)?.kind === 'plumbing')).toHaveLength(199);
    const { reading } = corrections.get(spans.at(-1)!)!;
    // Its own, and those of the nearest spans.
    expect(Object.keys(reading.contentMetadata!)).toHaveLength(65);
  });

  it('takes work that grows with the number of spans', () => {
    // Sorting makes it a little more than four times as much; comparing each with each would make it sixteen times.
    expect(workFor(8_000) / workFor(2_000)).toBeLessThan(6);
  });
});

/** How often a field of a span is read: half of them are one deep chain, half run at the same time with the same answer. */
function workFor(count: number): number {
  let reads = 0;
  const counted = (plain: CallSpan) =>
    new Proxy(plain, {
      get: (target, field) => {
        reads++;
        return Reflect.get(target, field);
      },
    });
  const deep: CallSpan[] = [];
  for (let index = 0; index < count / 2; index++) {
    const kind = index % 2 ? 'generic' : 'model';
    deep.push(counted(span(kind, { callId: `${index}`, ...USAGE }, deep.at(-1))));
  }
  const wide = Array.from({ length: count / 2 }, (_, index) => {
    const times = { scope: index % 100 === 0 ? 'two' : 'one', startMillis: index, endMillis: index + count };
    return counted(span('model', { ...QUESTION, ...USAGE, output: 'rainy' }, deep[0], times));
  });
  resolveDuplicates([...deep, ...wide]);
  return reads;
}
