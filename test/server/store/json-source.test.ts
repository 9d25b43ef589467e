import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sourceOf } from '../../../src/server/store/rows/json-source.ts';
import { jsonKey, jsonText, spaced } from './json-text.ts';
import { parseStored } from './parse-stored.ts';

const FIELDS = new Set(['inputs', 'messages']);

/** Returns the body and what is remembered of its fields. */
const read = (text: string, size?: number) => parseStored(text, FIELDS, size);

test('the text of a field is remembered as it came, for a body that is one object and for each item of a list', () => {
  const one = read('{"project":"p","inputs":{"a":[1,"]",{"b":null}]},"messages":[],"output":"{"}');
  expect(sourceOf(one.inputs)).toBe('{"a":[1,"]",{"b":null}]}');
  expect(sourceOf(one.messages)).toBe('[]');
  const [first, , , second] = read(' [ {"inputs":{"a":1}} , 7, "x,]" , { "metadata" : {} , "messages" : ["\\"}"] } ] ');
  expect(sourceOf(first.inputs)).toBe('{"a":1}');
  expect(sourceOf(second.messages)).toBe('["\\"}"]');
  expect(sourceOf(second.metadata)).toBeUndefined();
});

test('nothing is remembered of what could be written in another way', () => {
  for (const inputs of [
    '{"a": 1}',
    '{"a":1e2}',
    '{"a":1E400}',
    '[1.0]',
    '[-0]',
    '[9007199254740993]',
    '[{"a":12345678901234567890}]',
    '{"a":"\\u0041"}',
    '{"a":"\\/"}',
    '[\n]',
  ])
    expect(sourceOf(read(`{"inputs":${inputs}}`).inputs), inputs).toBeUndefined();
  // Half of a pair that is escaped, and a name that is.
  expect(sourceOf(read('{"inputs":{"a":"\\ud83d"}}').inputs)).toBeUndefined();
  expect(sourceOf(read('{"inputs":{"a":1},"\\u0069nputs":{"a":2}}').inputs)).toBeUndefined();
});

test('numbers as JavaScript writes them are remembered', () => {
  const inputs = '{"a":[1,-2.5,1e+21,5e-7,0],"b":{"c":123456789012345}}';
  expect(sourceOf(read(`{"inputs":${inputs}}`).inputs)).toBe(inputs);
});

test('of a field that comes twice, the last text counts', () => {
  expect(sourceOf(read('{"inputs":{"a":1},"inputs":{"a":2}}').inputs)).toBe('{"a":2}');
  expect(sourceOf(read('{"inputs":{"a":1},"inputs":{"a": 2}}').inputs)).toBeUndefined();
  expect(sourceOf(read('{"inputs":{"a": 1},"inputs":{"a":2}}').inputs)).toBe('{"a":2}');
  expect(read('{"inputs":{"a":1},"inputs":null}').inputs).toBeNull();
});

test('nothing is remembered of what has a key twice, whose first value nobody would see', () => {
  for (const inputs of [
    '{"a":1,"a":2}',
    '[{"a":[{"b":"x","b":"y"}]}]',
    '{"__proto__":{},"__proto__":1}',
    '{"":0,"":0}',
  ])
    expect(sourceOf(read(`{"inputs":${inputs}}`).inputs), inputs).toBeUndefined();
  const distinct = '{"a":[{"a":{},"b":[[],1]},[2]],"b":{"a":":"},"__proto__":{"c":null}}';
  expect(sourceOf(read(`{"inputs":${distinct}}`).inputs)).toBe(distinct);
});

test('nothing is remembered of a large body, all of which would stay in memory', () => {
  const { inputs } = read(`{"inputs":{"a":1},"output":"${'x'.repeat(1024 * 1024)}"}`);
  expect(sourceOf(inputs)).toBeUndefined();
});

test('what comes in pieces is remembered, but for what is cut in a number or an escape', () => {
  const inputs = '{"a\\"":[1,"é]",{"b":null}]}';
  const text = `[{"messages":[],"output":"a \\"text\\" ü","inputs":${inputs}},{"inputs":${inputs},"project":"p"}]`;
  const cuts = Array.from({ length: Buffer.byteLength(text) }, (_, index) => index + 1);
  const remembered = cuts.map((size) => {
    const bodies = read(text, size) as { inputs: object; messages?: object }[];
    const sources = bodies.map((body) => sourceOf(body.inputs));
    for (const source of sources) if (source !== undefined) expect(source).toBe(inputs);
    return sources.filter((source) => source !== undefined).length;
  });
  expect(remembered[0]).toBe(0);
  expect(remembered.filter((count) => count === 2).length).toBeGreaterThan(cuts.length / 2);
});

test('the name of a field may be cut', () => {
  const text = '{"inputs":{"a":1},"metadata":{"a":2},"inputs":{"a":3}}';
  for (let size = 1; size < text.length; size += 1) {
    const { inputs } = read(text, size);
    expect([undefined, '{"a":3}'], `${size}`).toContain(sourceOf(inputs));
    expect([undefined, '{"a":1}'], `${size}`).toContain(sourceOf(read(text.replace(/,"inputs".*/, '}'), size).inputs));
  }
});

test('whatever the bytes are, they are read as JSON.parse reads them', () => {
  const outcomeOf = (parse: () => unknown) => {
    try {
      return { value: parse() };
    } catch (error) {
      return { message: (error as Error).message };
    }
  };
  const list = fc.array(jsonText, { maxLength: 4 }).map((values) => `[${values.join(',')}]`);
  const changed = fc
    .tuple(spaced(list), fc.nat(), fc.constantFrom('', ',', ']', '[', '}', '{', '"', '1', 'é', '\v', '\ufeff', '\\'))
    .map(([text, place, given]) => {
      const at = place % (text.length + 1);
      return [text, text.slice(0, at) + given + text.slice(at + 1)];
    });
  let refused = 0;
  fc.assert(
    fc.property(changed, fc.integer({ min: 1, max: 100 }), (texts, size) => {
      for (const text of texts) {
        const wellFormed = text.toWellFormed();
        const expected = outcomeOf(() => JSON.parse(wellFormed));
        if (expected.message) refused += 1;
        expect(outcomeOf(() => read(wellFormed, size))).toEqual(expected);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(refused).toBeGreaterThan(500);
});

test('a changed copy has no text', () => {
  // The engine copies objects in another way when it has seen their shape a few times.
  for (let time = 0; time < 500; time += 1) {
    const { inputs, messages } = read('{"inputs":{"a":1},"messages":[1]}');
    for (const copy of [{ ...inputs }, Object.assign({}, inputs), structuredClone(inputs)])
      expect(sourceOf(copy)).toBeUndefined();
    for (const copy of [[...messages], messages.slice(), structuredClone(messages)])
      expect(sourceOf(copy)).toBeUndefined();
  }
  expect(sourceOf(null)).toBeUndefined();
  expect(sourceOf('text')).toBeUndefined();
});

test('that a text is remembered shows nowhere in the value', () => {
  const { inputs, messages } = read('{"inputs":{"a":1},"messages":[1]}');
  expect(sourceOf(inputs)).toBe('{"a":1}');
  expect(sourceOf(messages)).toBe('[1]');
  expect(Reflect.ownKeys(inputs)).toEqual(['a']);
  expect(Reflect.ownKeys(messages)).toEqual(['0', 'length']);
  expect(JSON.stringify([inputs, messages])).toBe('[{"a":1},[1]]');
});

test('whatever a body is, what is remembered is what would be written', () => {
  const value = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });
  const item = fc.oneof(
    fc.record({ inputs: value, messages: fc.array(value), output: fc.string(), '"\\': value }, { requiredKeys: [] }),
    value,
  );
  const check = (body: unknown, text: string) => {
    const parsed = read(text);
    for (const read of Array.isArray(parsed) ? parsed : [parsed]) {
      for (const field of FIELDS) {
        const source = sourceOf(read?.[field]);
        if (source !== undefined) expect(JSON.parse(source)).toEqual(JSON.parse(JSON.stringify(read[field])));
        const written = typeof read?.[field] === 'object' && read[field] !== null && JSON.stringify(read[field]);
        const isPlain = written && text === JSON.stringify(body) && !/\\u|\\\//.test(text);
        // A list in a list is no log.
        if (isPlain && !Array.isArray(read)) expect(source).toBe(written);
      }
    }
  };
  fc.assert(
    fc.property(fc.oneof(item, fc.array(item)), fc.constantFrom(undefined, 1, '\t'), (body, space) => {
      check(body, JSON.stringify(body, undefined, space));
    }),
    { numRuns: 200 },
  );
});

test('of any JSON text, what is remembered is what would be written, but for the order of keys', () => {
  const body = fc.oneof(
    fc
      .tuple(spaced(jsonKey), spaced(jsonText))
      .map(([name, named]) => `{"inputs":{${name}:${named}},"messages":[${named}]}`),
    fc.array(jsonText, { maxLength: 3 }).map((values) => `[${values.map((each) => `{"inputs":${each}}`).join(',')}]`),
    jsonText,
  );
  const sorted = (written: string) => [...written].sort().join('');
  let remembered = 0;
  fc.assert(
    fc.property(spaced(body), fc.integer({ min: 1, max: 100 }), (written, size) => {
      const parsed = read(written, size);
      for (const item of Array.isArray(parsed) ? parsed : [parsed]) {
        for (const field of FIELDS) {
          const source = sourceOf(item?.[field]);
          if (source === undefined) continue;
          remembered += 1;
          expect(JSON.stringify(JSON.parse(source))).toBe(JSON.stringify(item[field]));
          expect(sorted(source)).toBe(sorted(JSON.stringify(item[field])));
        }
      }
    }),
    { numRuns: 2_000 },
  );
  expect(remembered).toBeGreaterThan(500);
});
