import { expect, onTestFinished, test, vi } from 'vitest';
import { hasLongTexts, parseElsewhere, stringifyElsewhere } from '../../../src/server/store/rows/json-thread.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { log } from '../sample-log.ts';

const LONG = 'words "quoted"\n é 日本語 \uD83D\uDE00 '.repeat(60_000);

const VALUES: readonly [name: string, value: unknown][] = [
  ['a text', LONG],
  ['a list of messages', Array.from({ length: 3 }, (_, index) => ({ role: 'user', content: LONG, index }))],
  ['half of a surrogate pair', `${LONG}\uD83D`],
  [
    'a key that is special',
    JSON.parse(`{"__proto__":{"a":1},"constructor":null,"1":2,"text":${JSON.stringify(LONG)}}`),
  ],
  ['all kinds of values', { a: null, b: true, c: -0.5e-7, d: [], e: {}, f: '', g: LONG }],
];

test.each(VALUES)('%s is written and read as JSON does', async (_, value) => {
  const text = JSON.stringify(value);
  expect((await stringifyElsewhere(value)).toString()).toBe(text);
  const bytes = Buffer.from(text);
  // The pieces end within characters.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 65_537) }, (_, index) =>
    bytes.subarray(index * 65_537, (index + 1) * 65_537),
  );
  expect(JSON.stringify(await parseElsewhere(pieces))).toBe(text);
});

test('several at once are answered each with its own', async () => {
  const results = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const bytes = await stringifyElsewhere({ index, text: LONG });
      return (await parseElsewhere([bytes])) as { index: number };
    }),
  );
  expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('what is not JSON is explained as JSON does', async () => {
  const text = `{"a":"${'x'.repeat(1_000_000)}"}}`;
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  await expect(parseElsewhere([Buffer.from(text)])).rejects.toThrow(SyntaxError);
  await expect(parseElsewhere([Buffer.from(text)])).rejects.toThrow('after JSON at position 1000008');
});

test('a value that is too deep for JSON is refused, and those after it are not', async () => {
  let deep: unknown = LONG;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  await expect(stringifyElsewhere(deep)).rejects.toThrow(RangeError);
  expect((await stringifyElsewhere([LONG])).toString()).toBe(JSON.stringify([LONG]));
});

test('a list of very many elements is not looked at', () => {
  let looks = 0;
  const look = <Result>(result: Result, count = 1): Result => {
    looks += count;
    return result;
  };
  const list = new Proxy(Array(500_000).fill(1), {
    get: (target, key) => look(Reflect.get(target, key)),
    ownKeys: (target) => look(Reflect.ownKeys(target), target.length),
  });
  expect(hasLongTexts({ text: LONG, list })).toBe(false);
  expect(looks).toBeLessThan(20_000);
});

test('texts are long together, and many elements are left here', () => {
  expect(hasLongTexts(LONG)).toBe(true);
  expect(hasLongTexts(Array(300).fill('x'.repeat(5_000)))).toBe(true);
  expect(hasLongTexts({ text: 'short', number: 1e300, none: null })).toBe(false);
  expect(hasLongTexts({ text: LONG, numbers: Array(100_000).fill(1) })).toBe(false);
});

test('the JSON of a large log is neither read nor written on the thread that answers requests', async () => {
  const server = await startTestServer();
  const output = 'x'.repeat(3_000_000);
  const messages = [{ role: 'user' as const, content: output.slice(1_000_000) }];
  const body = JSON.stringify(log({ reference_id: 'large', output, messages, save: true }));
  const lengths: number[] = [];
  const [parse, stringify] = [JSON.parse, JSON.stringify];
  vi.spyOn(JSON, 'parse').mockImplementation((text, reviver) => {
    lengths.push(text.length);
    return parse(text, reviver);
  });
  vi.spyOn(JSON, 'stringify').mockImplementation((...given: unknown[]) => {
    const text = stringify(...(given as Parameters<typeof stringify>));
    lengths.push(text?.length ?? 0);
    return text;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const send = async (method: string, path: string, sent?: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(server.url + path, { method, headers, ...(sent !== undefined && { body: sent }) });
    return { status: response.status, text: await response.text() };
  };
  const created = await send('POST', '/v4/logs', body);
  expect(created.status).toBe(200);
  expect((await send('PATCH', '/v4/logs?reference_id=large', stringify({ output: `${output}y` }))).status).toBe(200);
  const read = await send('GET', `/v4/logs/${parse(created.text).id}`);
  expect(parse(read.text)).toMatchObject({ output: `${output}y`, messages });
  // Columns that have JSON are read here, one by one, when the log is read.
  expect(lengths.filter((length) => length > 1_000_000 && length !== stringify(messages).length)).toEqual([]);
});
