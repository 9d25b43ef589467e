/** `humanloop-otel import`: files as the Collector and other tools write them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import { type ImportOptions, importFiles } from '../../../src/import/import-files.ts';
import { toRequests } from '../../../src/import/otlp-requests.ts';
import { ValueScanner } from '../../../src/import/value-scanner.ts';
import { startTestServer, temporaryDirectory } from '../../support/start-test-server.ts';

const spanOf = (id: number, filler = '') => ({
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: id.toString(16).padStart(16, '0'),
  name: 'chat',
  startTimeUnixNano: '1795699435000000000',
  attributes: [
    { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
    { key: 'filler', value: { stringValue: filler } },
  ],
});
const traces = (ids: readonly number[], filler = '') => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'imported' } }] },
      scopeSpans: [{ scope: { name: 'lib' }, spans: ids.map((id) => spanOf(id, filler)) }],
    },
  ],
});
const range = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index);

/** Imports into a running server. Resolves to what was said and how many logs there are. */
async function importTo(contents: readonly (string | Buffer)[], options: Partial<ImportOptions> = {}) {
  const server = await startTestServer();
  const result = await runImport(contents, { url: server.url, ...options });
  return { ...result, logs: await readLogs(server.baseUrl, new Date(0)) };
}

async function runImport(contents: readonly (string | Buffer)[], options: Partial<ImportOptions>) {
  const directory = temporaryDirectory();
  const files = contents.map((content, index) => {
    const file = join(directory, `${index}.json`);
    writeFileSync(file, content);
    return file;
  });
  let said = '';
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      said += String(chunk).replaceAll(`${directory}/`, '');
      done();
    },
  });
  const stdin = Readable.from([]);
  const isWhole = await importFiles({ files, url: '', captureContent: true, stdin, stderr, ...options });
  return { said, isWhole };
}

const LINES = [traces([1, 2]), traces([3]), { resourceMetrics: [] }].map((value) => JSON.stringify(value)).join('\n');

test.each([
  ['lines', LINES],
  ['lines, the last with an end, and between them empty ones', `\n${LINES.replace('\n', '\n\n')}\n`],
  ['lines of Windows', LINES.replaceAll('\n', '\r\n')],
  ['lines after a byte order mark', `\ufeff${LINES}`],
  ['lines, gzipped', gzipSync(LINES)],
  [
    'lines, gzipped in two members',
    Buffer.concat([gzipSync(`${LINES.split('\n')[0]}\n`), gzipSync(LINES.split('\n')[1]!)]),
  ],
  ['one document over several lines', JSON.stringify(traces([1, 2, 3]), null, 2)],
  ['two documents', `${JSON.stringify(traces([1]), null, 2)}\n${JSON.stringify(traces([2, 3]), null, 2)}`],
  ['a list of documents', JSON.stringify([traces([1]), traces([2, 3])])],
  ['a list of documents over several lines', JSON.stringify([traces([1]), traces([2, 3])], null, 2)],
  [
    'spans by themselves',
    range(3)
      .map((id) => JSON.stringify(spanOf(id)))
      .join('\n'),
  ],
])('%s', async (_, content) => {
  const { said, isWhole, logs } = await importTo([content]);
  expect([said, isWhole]).toEqual(['read 3 spans, 0 log records\n', true]);
  expect(logs).toHaveLength(3);
});

test('the standard input, beside a file', async () => {
  const server = await startTestServer();
  let said = '';
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      said += String(chunk);
      done();
    },
  });
  const stdin = Readable.from([Buffer.from(LINES.slice(0, 100)), Buffer.from(LINES.slice(100))]);
  await importFiles({ files: ['-'], url: server.url, captureContent: true, stdin, stderr });
  expect(said).toBe('read 3 spans, 0 log records\n');
});

test("the schema's names of fields, also beside those of JSON", async () => {
  const rename = (text: string) =>
    text.replace(/"(?:resourceSpans|scopeSpans|traceId|spanId|startTimeUnixNano|stringValue)"/g, (name) =>
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
  const [inner] = traces([3]).resourceSpans;
  const contents = [
    rename(JSON.stringify(traces([1, 2]))),
    JSON.stringify({ resourceSpans: [{ scope_spans: inner?.scopeSpans }] }),
    rename(JSON.stringify(spanOf(4))),
  ];
  const { said, isWhole, logs } = await importTo(contents);
  expect(isWhole, said).toBe(true);
  expect(logs).toHaveLength(4);
});

test('a second import changes nothing', async () => {
  const server = await startTestServer();
  await runImport([LINES], { url: server.url });
  const ids = (await readLogs(server.baseUrl, new Date(0))).map(({ id }) => id);
  await runImport([LINES], { url: server.url });
  expect((await readLogs(server.baseUrl, new Date(0))).map(({ id }) => id)).toEqual(ids);
});

test('into a database file, without content, under a project', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const content = JSON.stringify(traces([1]));
  const { isWhole } = await runImport([content], { db: file, project: 'Größe', captureContent: false });
  expect(isWhole).toBe(true);
  const server = await startTestServer({ file });
  expect(await readLogs(server.baseUrl, new Date(0))).toMatchObject([{ project: 'Größe' }]);
});

test('a large document is sent in several requests', async () => {
  const { said, logs } = await importTo([JSON.stringify(traces(range(1_200)))]);
  expect(said).toBe('read 1200 spans, 0 log records\n');
  expect(logs).toHaveLength(1_200);
});

describe('faults say where they are, and do not spoil the rest', () => {
  test.each([
    [
      'a line that was cut',
      `${JSON.stringify(traces([1]))}\n${JSON.stringify(traces([2])).slice(0, 50)}\n${JSON.stringify(traces([3]))}`,
      /^0\.json:2: the line ends within a value\nread 2 spans, 0 log records, 1 faults\n$/,
      2,
    ],
    [
      'a last line that was cut',
      `${JSON.stringify(traces([1]))}\n${JSON.stringify(traces([2])).slice(0, 50)}`,
      /^0\.json:2: the file ends within a value\n/,
      1,
    ],
    ['a line that is text', `hello\n${JSON.stringify(traces([1]))}`, /^0\.json:1: expected an object, got "h"\n/, 1],
    ['a line that is broken', `{"resourceSpans":]}\n${JSON.stringify(traces([1]))}`, /^0\.json:1: not JSON: /, 1],
    [
      'a first line that was cut, in a text',
      `{"resourceSpans":[{"resource":{"attributes":[{"key":"serv\n${JSON.stringify(traces([1]))}`,
      /^0\.json:1: the line ends within a value\n/,
      1,
    ],
    [
      'something else',
      `\n{"batches":[],"x":1}`,
      /^0\.json:2: not OTLP JSON: expected resourceSpans or resourceLogs, got batches, x\n/,
      0,
    ],
    [
      'a span that the server cannot use',
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [spanOf(1), { ...spanOf(2), spanId: 'x' }] }] }] }),
      /^0\.json:1: 1 × the span id is not 8 bytes, or zero\nread 2 spans, 0 log records, 1 not used\n$/,
      1,
    ],
    [
      'a span that is not OTLP',
      `${JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...spanOf(1), name: 5 }] }] }] })}\n${JSON.stringify(traces([2]))}`,
      /^0\.json:1: 400 the body cannot be decoded: name: expected a text, got 5\n/,
      1,
    ],
  ])('%s', async (_, content, said, count) => {
    const result = await importTo([content]);
    expect(result.said).toMatch(said);
    expect(result.isWhole).toBe(false);
    expect(result.logs).toHaveLength(count);
  });

  test('gzip that was cut', async () => {
    const packed = gzipSync(LINES);
    await expect(importTo([packed.subarray(0, packed.length - 20)])).rejects.toThrow(
      /0\.json: the gzip is cut or damaged/,
    );
  });

  test('no file, no server, no key', async () => {
    const server = await startTestServer({ apiKey: 'right' });
    const stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
    const options = { captureContent: true, stdin: Readable.from([]), stderr };
    await expect(importFiles({ ...options, files: ['/no/file'], url: server.url })).rejects.toThrow(
      '/no/file: there is no such file',
    );
    await expect(importFiles({ ...options, files: ['/'], url: server.url })).rejects.toThrow('/: this is a folder');
    await expect(runImport([LINES], { url: server.url })).rejects.toThrow(
      '/v1/traces: 401 the header X-API-KEY is missing',
    );
    await expect(runImport([LINES], { url: 'http://127.0.0.1:1' })).rejects.toThrow(
      'no server answers at http://127.0.0.1:1',
    );
  });
});

test('values are found wherever the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { minLength: 1 }),
      fc.boolean(),
      fc.nat(30),
      (values, isPretty, size) => {
        const text = values.map((value) => JSON.stringify(value, null, isPretty ? 1 : 0)).join('\n');
        // A file has documents or lines: an empty object on a line of its own is a line.
        if (isPretty && values.some((value) => Object.keys(value).length === 0)) return;
        const scanner = new ValueScanner(1_000_000);
        const bytes = Buffer.from(text);
        const found: unknown[] = [];
        for (let at = 0; at < bytes.length; at += size + 1)
          found.push(...scanner.read(bytes.subarray(at, at + size + 1)));
        found.push(...scanner.end());
        expect(found.map((item) => (item as { value: unknown }).value)).toEqual(
          JSON.parse(`[${values.map((value) => JSON.stringify(value)).join(',')}]`),
        );
      },
    ),
  );
});

test('a value that is too large is one fault, and the next line is read', () => {
  const scanner = new ValueScanner(100);
  const text = `${JSON.stringify({ a: 'x'.repeat(1_000) })}\n{"b":1}\n`;
  const found: unknown[] = [];
  for (let at = 0; at < text.length; at += 50) found.push(...scanner.read(Buffer.from(text.slice(at, at + 50))));
  expect(found).toEqual([
    { line: 1, fault: 'the value is larger than 100 bytes' },
    { line: 2, value: { b: 1 } },
  ]);
});

test('each request has the resource and scope of its spans, and none has too many', () => {
  const value = { resourceSpans: [...traces(range(700)).resourceSpans, ...traces(range(700, 701)).resourceSpans] };
  const requests = [...toRequests(value)];
  expect(requests.map(({ count }) => count)).toEqual([500, 500, 400]);
  const spans = requests.flatMap(({ body }) =>
    JSON.parse(body).resourceSpans.flatMap((resource: ReturnType<typeof traces>['resourceSpans'][number]) =>
      resource.scopeSpans.flatMap((scope) =>
        scope.spans.map(({ spanId }) => `${resource.resource.attributes[0]?.key} ${scope.scope.name} ${spanId}`),
      ),
    ),
  );
  expect(spans).toEqual(range(1_400).map((id) => `service.name lib ${spanOf(id).spanId}`));
});
