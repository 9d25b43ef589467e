/** Look-ups on one span, made once for all vocabularies that read it. */
import { expect, it } from 'vitest';
import type { Convention } from '../../../src/conventions/convention.ts';
import { CONVENTIONS, readSpan } from '../../../src/conventions/index.ts';
import { SpanFields } from '../../../src/conventions/values/span-fields.ts';
import { makeSpan } from '../span.ts';

const fieldsOf = (attributes: Record<string, unknown>) => new SpanFields(makeSpan(attributes));

it('gives a value of the named type, or undefined', () => {
  const fields = fieldsOf({ text: 'a\ud800', empty: '', number: '1.5', count: -1, list: '["a"]', object: { a: 1 } });
  expect([fields.string('text'), fields.string('empty'), fields.string('number')]).toEqual([
    'a\ufffd',
    undefined,
    '1.5',
  ]);
  expect([fields.text('empty'), fields.text('count')]).toEqual(['', undefined]);
  expect([fields.number('number'), fields.integer('number'), fields.integer('count')]).toEqual([1.5, undefined, -1]);
  expect([fields.count('count'), fields.count('absent')]).toEqual([undefined, undefined]);
  expect([fields.list('list'), fields.list('object')]).toEqual([['a'], undefined]);
  expect([fields.object('object'), fields.object('list')]).toEqual([{ a: 1 }, undefined]);
  expect(fields.firstString('absent', 'empty', 'list')).toBe('["a"]');
  expect(fieldsOf({ one: null, two: 0 }).firstKey('one', 'two')).toBe('two');
  expect(fields.keys).toEqual(['text', 'empty', 'number', 'count', 'list', 'object']);
});

it('parses the text at a key once, also one that is not JSON', () => {
  const fields = fieldsOf({ json: '{"a":1}', prose: 'hello' });
  const parse = JSON.parse;
  let parsed = 0;
  JSON.parse = (...args: Parameters<typeof parse>) => {
    parsed++;
    return parse(...args);
  };
  try {
    expect(fields.object('json')).toBe(fields.json('json'));
    expect([fields.json('prose'), fields.json('prose')]).toEqual([undefined, undefined]);
  } finally {
    JSON.parse = parse;
  }
  expect(parsed).toBe(1);
});

it('knows the keys whose JSON was cut', () => {
  const fields = fieldsOf({ cut: '{"a":[1,2', lost: '{"a', prose: '[Note] do this', list: ['{"b":[1,2'] });
  expect([fields.json('cut'), fields.json('lost'), fields.json('prose')]).toEqual([{ a: [1] }, undefined, undefined]);
  expect([...fields.truncated]).toEqual(['cut', 'lost']);
  expect(fields.jsonWithin('list', '{"b":[1,2')).toEqual({ b: [1] });
  expect(fields.truncated).toContain('list');
});

it('is one for all vocabularies, whose log names all keys that were cut', () => {
  const seen: SpanFields[] = [];
  const reader = (name: string, key: string): Convention => ({
    name,
    classify: () => 'tool',
    read: (_span, kind, fields) => {
      seen.push(fields);
      return { metadata: { [name]: kind, value: fields.object(key) } };
    },
  });
  const span = makeSpan({ first: '{"a":[1,2', second: '{"b":[1,2' });
  const { metadata } = readSpan(span, [reader('one', 'first'), reader('two', 'second'), ...CONVENTIONS]);
  expect(seen[0]).toBe(seen[1]);
  expect(metadata).toEqual({
    one: 'tool',
    two: 'tool',
    value: { a: [1] },
    convention: 'one',
    truncated: ['first', 'second'],
  });
});

it('is not needed by a convention that reads the span itself', () => {
  const plain: Convention = {
    name: 'plain',
    classify: () => 'generic',
    read: ({ attributes }) => ({ output: String(attributes['text']) }),
  };
  expect(readSpan(makeSpan({ text: 'hello' }), [plain])).toEqual({
    output: 'hello',
    metadata: { convention: 'plain' },
  });
});

it('leaves out what is said to be undefined, and records that say nothing', () => {
  const silent: Convention = {
    name: 'silent',
    classify: () => 'model',
    read: () => ({
      model: undefined,
      other: { top_k: undefined },
      contentMetadata: {},
      metadata: { a: undefined, b: 1 },
    }),
  };
  expect(readSpan(makeSpan({}), [silent])).toStrictEqual({ metadata: { b: 1, convention: 'silent' } });
});
