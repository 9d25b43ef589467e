/** What of a span's texts is parsed: a few megabytes can have a million keys, which would take seconds. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { eventsInText } from '../../../../src/conventions/content/streams/event-stream.ts';
import { readSpan } from '../../../../src/conventions/index.ts';
import { jsonOf } from '../../../../src/conventions/values/attributes.ts';
import { mayParse, withOneBudget } from '../../../../src/conventions/values/json/text-weight.ts';
import { unescapedMessagesIn } from '../../../../src/conventions/values/json/unescaped-texts.ts';
import { javaMapIn } from '../../../../src/conventions/values/printed/java-map.ts';
import { parsePrintedFields, parsePythonLiteral } from '../../../../src/conventions/values/printed/python-literal.ts';
import { makeSpan } from '../../span.ts';

const keys = (count: number, entry: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => entry(at)).join(', ');
const MANY = 200_000;

test.each([
  ['JSON', () => jsonOf(`{${keys(MANY, (at) => `"key ${at}": 1`)}}`)],
  ['a list of objects', () => jsonOf(`[${keys(2 * MANY, () => '{}')}]`)],
  ['a deep list', () => jsonOf('['.repeat(1_000_000) + ']'.repeat(1_000_000))],
  ['numbers', () => jsonOf(`[${keys(300_000, () => '1')}]`)],
  ['texts', () => jsonOf(`[${keys(300_000, () => '"a"')}]`)],
  ['cut JSON', () => jsonOf(`[{"a": 1}, ${keys(2 * MANY, () => '{}')}, {"a`)],
  ["Python's", () => parsePythonLiteral(`{${keys(MANY, (at) => `'key ${at}': None`)}}`)],
  ['printed fields', () => parsePrintedFields(`content=[${keys(600_000, () => '1')}]`)],
  ["Java's", () => javaMapIn(`{a=1, ${keys(600_000, (at) => `key${at}=1`)}}`)],
  ['escaped characters', () => jsonOf(`["${'\\n'.repeat(25_100_000)}"]`)],
  ['a text of escaped quotes', () => jsonOf(`"${'\\"'.repeat(25_100_000)}"`)],
  ['long integers', () => jsonOf(`[${keys(60_000, (at) => `12345678901234${100_000 + at}`)}]`)],
  ['words for no number', () => jsonOf(`[${keys(60_000, () => 'NaN')}]`)],
  ['texts side by side', () => mayParse(`{"a":${'""'.repeat(250_000)}}`) || undefined],
  ["Python's escaped characters", () => jsonOf(`['${"\\'".repeat(2_100_000)}']`)],
  ["Python's own escaped characters", () => jsonOf(`['${'\\x41'.repeat(600_000)}']`)],
  [
    "messages of Semantic Kernel's",
    () => unescapedMessagesIn(`[${'{"role:" user, "content:" a}, \n'.repeat(60_000)}{}]`),
  ],
  ['a stream', () => eventsInText('data: {"a":1}\n\n'.repeat(250_000))],
])('%s with too much in it is not parsed', (_, parse) => {
  expect(parse()).toBeUndefined();
});

test("Java's maps in maps are read as deep as there is time for", () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' ? 1 + depthOf(Object.values(value as object)[0]) : 0;
  const nested = (length: number) => javaMapIn(`${'{a='.repeat(31)}${'x'.repeat(length)}${'}'.repeat(31)}`);
  expect(depthOf(nested(1_000))).toBe(31);
  expect(depthOf(nested(1_000_000))).toBeLessThan(20);
});

test('a long text with little in it is parsed', () => {
  const content = 'a, b: [c] {d} '.repeat(200_000);
  expect(jsonOf(JSON.stringify([{ role: 'user', content }]))).toEqual([{ role: 'user', content }]);
});

/** As `json.dumps` of Python writes it. */
const inAscii = (value: unknown) =>
  JSON.stringify(value).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const asPrinted = (text: string) =>
  `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}'`;
const CODE = 'if (a === "b") {\n\treturn \'c\\n\';\n}\n';

test.each([
  ['text in other scripts', inAscii, '今天的天气非常好。', 5],
  ['text that was encoded twice', (value: unknown) => inAscii([inAscii(value)]), '今天的天气非常好。', 4],
  ['code', inAscii, CODE, 5],
  ["Python's code", (value: { content: string }[]) => `[{'content': ${asPrinted(value[0]!.content)}}]`, CODE, 3],
])('some megabytes of %s are parsed, in several attributes of a span', (_, write, unit, megabytes) => {
  const given = [{ content: unit.repeat((megabytes * 1_000_000) / inAscii(unit).length) }];
  const text = write(given);
  withOneBudget(() => {
    for (let copy = 0; copy < 3; copy += 1) {
      const parsed = jsonOf(`${text}${' '.repeat(copy)}`) as unknown[];
      const inner = parsed && typeof parsed[0] === 'string' ? jsonOf(parsed[0]) : parsed;
      // A difference of such texts would take minutes to be printed.
      expect(JSON.stringify(inner) === JSON.stringify(given), `copy ${copy}`).toBe(true);
    }
  });
});

test('a stream of ten thousand chunks is parsed', () => {
  const chunk = {
    id: 'c',
    object: 'x',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: { content: 'a' }, logprobs: null }],
  };
  expect(eventsInText(`data: ${JSON.stringify(chunk)}\n\n`.repeat(10_000))).toHaveLength(10_000);
});

test('a history of a thousand messages is read, with the rows that its tools have found', () => {
  const row = (id: number) => ({ id, title: 'a document', score: 0.5, url: 'https://example.com/', tags: ['a', 'b'] });
  const response = Array.from({ length: 50 }, (_, id) => row(id));
  const turn = [
    { role: 'user', parts: [{ type: 'text', content: 'what is there?' }] },
    { role: 'assistant', parts: [{ type: 'tool_call', id: 'c', name: 'search', arguments: { query: 'x' } }] },
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c', response }] },
    { role: 'assistant', parts: [{ type: 'text', content: 'this' }] },
  ];
  const text = JSON.stringify(Array.from({ length: 250 }, () => turn).flat());
  const span = makeSpan({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': text });
  expect(readSpan(span).messages).toHaveLength(1_000);
});

test('all texts of a span share what may be parsed, and a later span has its own', () => {
  const text = `{${keys(8_000, (at) => `"key ${at}": "${'x'.repeat(20)}"`)}}`;
  const attempts = () => withOneBudget(() => Array.from({ length: 5 }, () => mayParse(text)));
  expect(attempts()).toEqual([true, true, false, false, false]);
  expect(attempts()).toEqual([true, true, false, false, false]);
  expect(mayParse(text)).toBe(true);
});

test('texts as Python prints them share it too, however they begin', () => {
  const text = `Answer(rows=[${keys(6_000, (at) => `{'key ${at}': None}`)}])`;
  const attempts = () => withOneBudget(() => Array.from({ length: 5 }, () => parsePythonLiteral(text) !== undefined));
  expect(attempts()).toEqual([true, true, false, false, false]);
  expect(parsePythonLiteral(text)).toBeDefined();
});

test('of very many long integers, none is made once they are too many', () => {
  const make = vi.spyOn(globalThis, 'BigInt');
  onTestFinished(() => make.mockRestore());
  const integersOf = (count: number) => {
    make.mockClear();
    jsonOf(`[${'12345678901234567 '.repeat(count)}]`);
    return make.mock.calls.length;
  };
  expect(integersOf(200_000)).toBe(integersOf(50_000));
});

test('a text that is too much is weighed once', () => {
  const text = `{${keys(MANY, (at) => `"key ${at}": 1`)}}`;
  const find = vi.spyOn(String.prototype, 'indexOf');
  onTestFinished(() => find.mockRestore());
  const looksOf = (attempts: number) => {
    find.mockClear();
    withOneBudget(() => {
      for (let attempt = 0; attempt < attempts; attempt += 1) expect(mayParse(text)).toBe(false);
    });
    return find.mock.calls.filter(([mark]) => mark === '"').length;
  };
  const once = looksOf(1);
  expect(once).toBeGreaterThan(10_000);
  expect(looksOf(5)).toBe(once);
});

test('what is not parsed stays the text of the log', () => {
  const text = `[${keys(MANY, () => '{"role": "user"}')}]`;
  const span = makeSpan({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': text });
  expect(JSON.stringify(readSpan(span))).toContain(JSON.stringify(text));
});

test('an agent with fifty tools of large schemas is read whole where a span says all of it twice', () => {
  const parameter = { type: 'object', description: 'a', properties: {} as object };
  for (let at = 0; at < 6; at += 1) {
    Object.assign(parameter.properties, { [`p${at}`]: { type: 'string', enum: ['x', 'y', 'z'], description: 'a' } });
  }
  const properties = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`parameter_${at}`, parameter]));
  const tools = Array.from({ length: 50 }, (_, at) => ({
    type: 'function',
    function: { name: `tool_${at}`, parameters: { type: 'object', properties } },
  }));
  const messages = Array.from({ length: 1_500 }, (_, at) => ({ role: at % 2 ? 'assistant' : 'user', content: 'text' }));
  const attributes = {
    'openinference.span.kind': 'LLM',
    'input.value': JSON.stringify({ messages, tools }),
    ...Object.fromEntries(messages.map(({ role }, at) => [`llm.input_messages.${at}.message.role`, role])),
    ...Object.fromEntries(messages.map(({ content }, at) => [`llm.input_messages.${at}.message.content`, content])),
    ...Object.fromEntries(tools.map((tool, at) => [`llm.tools.${at}.tool.json_schema`, JSON.stringify(tool)])),
  };
  const reading = readSpan(makeSpan(attributes));
  expect([reading.messages?.length, reading.tools?.length]).toEqual([1_500, 50]);
});
