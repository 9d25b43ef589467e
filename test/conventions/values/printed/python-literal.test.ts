/** What Python prints for its values, where other sources write JSON. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonOf, stringListOf } from '../../../../src/conventions/values/attributes.ts';
import { memberOf } from '../../../../src/conventions/values/printed/enum-member.ts';
import { parsePythonLiteral, startsAsPython } from '../../../../src/conventions/values/printed/python-literal.ts';
import { MOST_RATIO, ratioOf } from '../../../support/effort.ts';

test.each([
  ["{'a': 1, 'b': [True, False, None]}", { a: 1, b: [true, false, null] }],
  ['{"it\'s": \'say "hi"\'}', { "it's": 'say "hi"' }],
  ["('stop',)", ['stop']],
  ['()', []],
  ['{}', {}],
  ["{'a', 'b'}", ['a', 'b']],
  ['[1, -2.5, 1e3, .5, 2., nan, inf]', [1, -2.5, 1000, 0.5, 2, null, null]],
  ["'\\x41 \\u00e9 \\U0001F600 \\\\ \\' \\n'", "A é 😀 \\ ' \n"],
  ["b'raw'", 'raw'],
  ["{1: 'a', None: 'b'}", { '1': 'a', null: 'b' }],
  ["<FinishReason.STOP: 'STOP'>", 'STOP'],
  ['<FinishReason.STOP: 1>', 1],
  ["UUID('12')", '12'],
  ['datetime.date(2026, 3, 1)', '2026-03-01'],
  ['datetime.time(8, 30)', '08:30:00'],
  ['datetime.datetime(2026, 3, 1, 8, 5, 0, 250, tzinfo=datetime.timezone.utc)', '2026-03-01T08:05:00.000250+00:00'],
  ['datetime.datetime(2026, 3, 1, 8, 5, tzinfo=TzInfo(UTC))', '2026-03-01T08:05:00+00:00'],
  ["datetime.datetime(2026, 3, 1, 8, 5, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))", '2026-03-01T08:05:00'],
  ['[-inf]', [null]],
  ["{'role': Role.USER}", { role: 'Role.USER' }],
  [
    "{'a': <app.Session object at 0x7f>, 'b': <class 'str'>}",
    { a: '<app.Session object at 0x7f>', b: "<class 'str'>" },
  ],
  ["defaultdict(<class 'list'>, {'a': [1]})", { a: [1] }],
  ["OrderedDict([('a', 1)])", { a: 1 }],
  ['Parsed[Weather](index=0)', { index: 0 }],
  [
    "ModelRequest(parts=[UserPromptPart(content='x')])",
    { kind: 'request', parts: [{ part_kind: 'user-prompt', content: 'x' }] },
  ],
  ["TextPart(text='x')", { text: 'x' }],
  [
    "Choice(index=0, message=Message(content='x', tool_calls=None))",
    { index: 0, message: { content: 'x', tool_calls: null } },
  ],
  ['Empty()', {}],
  [" [ 'a' , ] ", ['a']],
])('reads %s', (text, value) => {
  expect(parsePythonLiteral(text)).toEqual(value);
});

test.each([
  '',
  "{'a': 1",
  "{'a' 1}",
  "{'a': 1, 'b'}",
  "{'a': <object at 0x7f>}",
  "{'a': name}",
  "['a' 'b']",
  "'open",
  "{'a': 1} and more",
  '(see above)',
  "{('a',): 1}",
  '1_000',
  '1.2.3',
  '<Role.USER>',
])('reads nothing from %s', (text) => {
  expect(parsePythonLiteral(text)).toBeUndefined();
});

test('very deep nesting is not read', () => {
  expect(parsePythonLiteral('['.repeat(100_000))).toBeUndefined();
  expect(parsePythonLiteral(`${'['.repeat(90)}${']'.repeat(90)}`)).toBeDefined();
});

test.each([
  ["['", '\\'],
  ['[', 'a.'],
])('a long text takes time in proportion to its length: %s%s%s…', async (start, part) => {
  const read = (count: number) => () => parsePythonLiteral(start + part.repeat(count));
  expect(await ratioOf(read(250_000), read(1_000_000))).toBeLessThan(MOST_RATIO);
});

test('a key cannot change the prototype', () => {
  const value = parsePythonLiteral("{'__proto__': {'polluted': True}, 'a': 1}");
  expect(value).toEqual({ a: 1 });
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

const repr = (value: unknown): string => {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    return quote + value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n') + quote;
  }
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  return `{${Object.entries(value as object)
    .map(([key, inner]) => `${repr(key)}: ${repr(inner)}`)
    .join(', ')}}`;
};

test('whatever is printed is read back', () => {
  const json = fc
    .jsonValue({ maxDepth: 4, noUnicodeString: false } as object)
    .filter((value) => !JSON.stringify(value).includes('__proto__'));
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.stringify(parsePythonLiteral(repr(value)))).toBe(JSON.stringify(value));
    }),
  );
});

test('JSON never passes for Python, so it is never read twice', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(startsAsPython(text)).toBe(false);
    }),
  );
});

test('readers of JSON take both, and prose for neither', () => {
  expect(jsonOf("{'a': None}")).toEqual({ a: null });
  expect(jsonOf("[{'role': 'user'}]")).toEqual([{ role: 'user' }]);
  expect(jsonOf("{'a': broken}")).toBeUndefined();
  expect(stringListOf("('a', 'b')")).toEqual(['a', 'b']);
  expect(stringListOf("['a']")).toEqual(['a']);
  expect(stringListOf('(see above)')).toEqual(['(see above)']);
});

test.each([
  ['USER', 'USER'],
  ['MessageRole.USER', 'USER'],
  ['llama_index.MessageRole.USER', 'USER'],
  ["<MessageRole.USER: 'user'>", 'USER'],
  ['<Role.USER>', 'USER'],
  ['Role::User', 'User'],
  [{ Label: 'user' }, 'user'],
  [{ value: 'user' }, 'user'],
  ['the user said', undefined],
  ['<b>', undefined],
  [{}, undefined],
  [7, undefined],
])('the member of an enum in %j is %j', (printed, name) => {
  expect(memberOf(printed)).toBe(name);
});

test('keeps the class of a message, which tells its role', () => {
  expect(parsePythonLiteral("[HumanMessage(content='Hi'), AIMessage(content='Hello', tool_calls=[])]")).toEqual([
    { type: 'HumanMessage', content: 'Hi' },
    { type: 'AIMessage', content: 'Hello', tool_calls: [] },
  ]);
});

test('texts of any length that are not a literal are left', () => {
  const length = 2_000_000;
  expect(parsePythonLiteral(`[${'1'.repeat(length / 10)}x]`)).toBeUndefined();
  expect(parsePythonLiteral(`{'a': ${'a.'.repeat(length)}}`)).toBeUndefined();
  expect(parsePythonLiteral(`{'a': ${'a.a'.repeat(length)}}`)).toBeUndefined();
});

test('a long text is the same, whether or not JSON has all that is escaped in it', () => {
  const unit = fc.constantFrom('a', "'", '"', '\\', '\n', '\t', 'x41', 'u0041', 'é', '/');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), fc.boolean(), fc.constantFrom("'", '"'), (part, isOwn, quote) => {
      const text = part.repeat(1 + 300 / (part.length + 1));
      const escaped = text
        .replace(quote === "'" ? /[\\']/g : /[\\"]/g, '\\$&')
        .replaceAll('\n', '\\n')
        .replaceAll('\t', '\\t');
      const own = isOwn ? '\\x41' : '';
      expect(parsePythonLiteral(`[${quote}${own}${escaped}${quote}]`)).toEqual([`${isOwn ? 'A' : ''}${text}`]);
    }),
  );
});
