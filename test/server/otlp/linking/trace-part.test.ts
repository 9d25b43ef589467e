/** What is remembered of spans is the same after it was bytes, and damaged bytes do no harm. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Skeleton } from '../../../../src/server/otlp/linking/skeletons/skeleton.ts';
import { decodePart, encodePart } from '../../../../src/server/otlp/linking/skeletons/trace-part.ts';
import { MAX_SKELETONS, Tree } from '../../../../src/server/otlp/linking/skeletons/tree.ts';
import { TreeMemo } from '../../../../src/server/otlp/linking/skeletons/tree-memo.ts';
import { toEnd } from '../../../../src/server/store/steps.ts';

const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((value) => value.toString(16).padStart(16, '0'));
const foreign = fc.tuple(id, id, id).map(([first, second, third]) => `${first}${second}-${third}`);
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
/** Texts come again, and have any characters. */
const name = fc.oneof(id, foreign);
const text = fc.oneof(fc.constantFrom('gpt-4o', 'scope'), fc.string({ unit: 'grapheme' }));
const texts = fc.array(text, { maxLength: 3 });
const kind = fc.constantFrom('model' as const, 'tool' as const, 'agent' as const, 'generic' as const);
const count = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31 - 1), fc.nat(), fc.double({ noNaN: true }));
const millis = fc.double({ min: 0, max: 4e12, noNaN: true });

const tool = fc.record({
  name: text,
  mcpRole: fc.constantFrom(undefined, 'client' as const, 'server' as const),
  arguments: fc.dictionary(text, text, { maxKeys: 3 }).map((fields) => new Map(Object.entries(fields))),
  output: maybe(text),
  hasError: fc.boolean(),
});
const own = fc
  .record({
    kind,
    scope: text,
    endMillis: maybe(millis),
    callId: maybe(id),
    model: maybe(text),
    provider: maybe(text),
    convention: maybe(text),
    promptTokens: maybe(count),
    outputTokens: maybe(count),
    hasCounts: fc.boolean(),
    hasMessages: fc.boolean(),
    hasError: fc.boolean(),
    mayBeSum: fc.boolean(),
    question: maybe(id),
    answer: maybe(id),
    tool: maybe(tool),
  })
  .map((summary) => ({ ...summary, tool: summary.tool && { ...summary.tool, scope: summary.scope } }));
const recipe = fc.record({
  fillers: fc.array(name, { maxLength: 3 }),
  usageOf: maybe(id),
  errorOf: maybe(id),
  isWrapper: fc.boolean(),
  calledBy: maybe(id),
  model: maybe(text),
  provider: maybe(text),
  hasEvents: fc.boolean(),
});
const skeleton: fc.Arbitrary<Skeleton> = fc
  .record({
    spanId: id,
    parentId: maybe(id),
    isRemoteParent: fc.boolean(),
    upstreamId: maybe(id),
    isSeen: fc.boolean(),
    startMillis: millis,
    session: maybe(text),
    user: maybe(text),
    tags: maybe(texts),
    isKept: fc.boolean(),
    said: maybe(fc.record({ output: maybe(id), error: maybe(id) })),
    saysAnswer: fc.boolean(),
    elsewhere: maybe(
      fc.record({
        keeper: maybe(name),
        others: fc.array(name, { maxLength: 2 }),
        reporter: id,
        question: maybe(id),
        isBelowLog: fc.boolean(),
      }),
    ),
    names: maybe(fc.record({ reporter: id, question: maybe(id) })),
    log: maybe(
      fc.record({
        own,
        written: maybe(
          fc.record({ kind, keeperId: maybe(name), parentId: maybe(id), isBelow: fc.boolean(), recipe: maybe(recipe) }),
        ),
      }),
    ),
  })
  .map(({ log, saysAnswer, ...rest }) => {
    const span = { ...rest, said: rest.said && saysAnswer ? { ...rest.said, output: log?.own.answer } : rest.said };
    if (!log?.written) return { ...span, own: log?.own, written: undefined };
    const { isBelow, ...written } = log.written;
    return { ...span, own: log.own, written: isBelow ? { ...written, parentId: span.parentId } : written };
  });
const part = fc.record({
  context: fc.record({ session: maybe(text), user: maybe(text), tags: maybe(texts) }),
  skeletons: fc.array(skeleton, { maxLength: 6 }),
});

test('a part is the same after it was bytes', () => {
  const property = fc.property(part, (given) => {
    expect(toEnd(decodePart(toEnd(encodePart(given))))).toEqual(given);
  });
  fc.assert(property, { numRuns: 1_000 });
});

test('parts of the format before are read, and those of another one are not', () => {
  fc.assert(
    fc.property(part, (given) => {
      const skeletons = given.skeletons.map((each) => ({ ...each, names: undefined, said: undefined }));
      const bytes = toEnd(encodePart({ ...given, skeletons }));
      bytes[0] = 1;
      expect(toEnd(decodePart(bytes))).toEqual({ ...given, skeletons });
      bytes[0] = 3;
      expect(() => toEnd(decodePart(bytes))).toThrow(RangeError);
    }),
  );
});

test('damaged bytes throw a RangeError or are a part, and a tree that has them is read all the same', () => {
  const damage = fc.record({ part, cut: fc.nat(), at: fc.nat(), byte: fc.nat(255) });
  fc.assert(
    fc.property(damage, ({ part: given, cut, at, byte }) => {
      const bytes = toEnd(encodePart(given)).slice(0);
      bytes[at % bytes.length] = byte;
      const damaged = bytes.subarray(0, cut % (bytes.length + 1));
      try {
        toEnd(decodePart(damaged));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
      expect(toEnd(Tree.read([damaged, toEnd(encodePart(given))])).size).toBeGreaterThanOrEqual(
        new Set(given.skeletons.map(({ spanId }) => spanId)).size,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('spans that are no logs take less than 30 bytes, calls less than 130', () => {
  const ids = (place: number) => place.toString(16).padStart(16, '0');
  const plain = Array.from({ length: 100 }, (_, place) => emptySkeleton(ids(place + 2), ids(place + 1)));
  const context = { session: 'session', user: undefined, tags: undefined };
  expect(toEnd(encodePart({ context, skeletons: plain })).length / 100).toBeLessThan(30);
  const calls = plain.map((each): Skeleton => {
    const call = {
      ...{
        kind: 'model' as const,
        scope: '@opentelemetry/instrumentation-openai',
        model: 'gpt-4o',
        provider: 'openai',
      },
      ...{ convention: 'gen-ai', promptTokens: 1_000, outputTokens: 200, endMillis: 1_700_000_000_000 },
      ...{ callId: each.spanId, question: each.spanId, answer: each.spanId },
      ...{ hasCounts: true, hasMessages: true, hasError: false, mayBeSum: false, tool: undefined },
    };
    const written = { kind: 'model' as const, keeperId: undefined, parentId: each.parentId, recipe: undefined };
    return { ...each, session: 'the same session for all', own: call, written };
  });
  expect(toEnd(encodePart({ context, skeletons: calls })).length / 100).toBeLessThan(130);
});

test('of too many spans, those that are no logs are forgotten first', () => {
  const tree = new Tree();
  for (let place = 0; place <= MAX_SKELETONS; place++) {
    const { spanId } = emptySkeleton((place + 1).toString(16).padStart(16, '0'), undefined);
    const log = place % 10 === 0 ? ({ summary: { kind: 'agent' } } as never) : undefined;
    const names = { session: undefined, user: undefined, tags: undefined };
    tree.add({
      spanId,
      parentId: undefined,
      isRemoteParent: false,
      upstreamId: undefined,
      startMillis: place,
      ...names,
      log,
    });
  }
  expect(tree.forgetSurplus()).toBe(true);
  expect(tree.size).toBeLessThan(MAX_SKELETONS);
  const left = [...tree.nodes];
  expect(left.filter(({ own: log }) => log).length).toBe(1_001);
  expect(left.at(-2)?.spanId).toBe(MAX_SKELETONS.toString(16).padStart(16, '0'));
  expect(tree.forgetSurplus()).toBe(false);
});

test('a remembered tree stands for its parts only', () => {
  const memo = new TreeMemo();
  const context = { session: undefined, user: undefined, tags: undefined };
  const skeletons = Array.from({ length: 100 }, (_, place) =>
    emptySkeleton((place + 1).toString(16).padStart(16, '0'), undefined),
  );
  const first = toEnd(encodePart({ context, skeletons }));
  const second = toEnd(encodePart({ context, skeletons: [emptySkeleton('f'.repeat(16), undefined)] }));
  const tree = toEnd(Tree.read([first]));
  memo.put('trace', [first], undefined, tree);
  expect(toEnd(memo.take('trace', [Uint8Array.from(first)]))).toBe(tree);
  memo.put('trace', [first], { bytes: second, replacesOthers: false }, tree);
  expect(toEnd(memo.take('trace', [first]))).not.toBe(tree);
  memo.put('trace', [first], { bytes: second, replacesOthers: false }, tree);
  expect(toEnd(memo.take('trace', [first, second]))).toBe(tree);
  memo.put('trace', [first], { bytes: second, replacesOthers: true }, tree);
  expect(toEnd(memo.take('trace', [second]))).toBe(tree);
  expect(toEnd(memo.take('trace', [second]))).not.toBe(tree);
});

test('a part with very many tags is written and read in steps of some hundred tags', () => {
  const [spans, tagsOfSpan] = [600, 100];
  const skeletons = Array.from({ length: spans }, (_, place) => ({
    ...emptySkeleton((place + 1).toString(16).padStart(16, '0'), undefined),
    session: 'the same session for all',
    tags: Array.from({ length: tagsOfSpan }, (_, at) => `tag ${at} of span ${place}`),
  }));
  const given = { context: { session: undefined, user: undefined, tags: undefined }, skeletons };
  const stepsOf = (steps: Generator<void, unknown>) => [...steps].length;
  const bytes = toEnd(encodePart(given));
  // Half of that is enough for others to have their turn, which is what it is about.
  const least = (spans * tagsOfSpan) / 2_000;
  expect(stepsOf(encodePart(given))).toBeGreaterThan(least);
  expect(stepsOf(decodePart(bytes))).toBeGreaterThan(least);
  expect(stepsOf(new TreeMemo().take('trace', [bytes]))).toBeGreaterThan(least);
  // More texts than are remembered, the first of which comes again.
  expect(toEnd(decodePart(bytes))).toEqual(given);
});

function emptySkeleton(spanId: string, parentId: string | undefined): Skeleton {
  return {
    ...{ spanId, parentId, isRemoteParent: false, upstreamId: undefined, isSeen: true, startMillis: 1_700_000_000_000 },
    ...{
      session: undefined,
      user: undefined,
      tags: undefined,
      own: undefined,
      names: undefined,
      elsewhere: undefined,
      written: undefined,
      said: undefined,
      isKept: false,
    },
  };
}
