import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { toLogJson, writeLogJson, writeRecordsJson } from '../../../src/server/store/rows/log-json.ts';
import { GIVEN_COLUMNS, toLogResponse, toLogRow } from '../../../src/server/store/rows/log-row.ts';
import type { LogRequest } from '../../../src/wire/v4.ts';
import { config, log } from '../sample-log.ts';

function stored(request: LogRequest, configRow: object = {}) {
  const { given } = toLogRow(request);
  const columns = Object.fromEntries(GIVEN_COLUMNS.map((column, index) => [column, given[index]!]));
  return toLogResponse({
    ...columns,
    ...{ id: 'data_1', reference_id: null, project: 'project', project_id: 'pr_1', session_id: null },
    ...{ session_reference_id: null, parent_id: null, parent_reference_id: null, parents_own_reference_id: null },
    ...{ created_at: '2026-01-31T00:00:00.000000Z', updated_at: '2026-01-31T00:00:00.000000Z', save: 1 },
    ...{ config_id: 'config_1', config: JSON.stringify(config), feedback: '[]' },
    ...{ config_created_at: '2026-01-31T00:00:00.000000Z', config_last_used: '2026-01-31T00:00:00.000000Z' },
    ...configRow,
  });
}

const fields = fc.record(
  {
    inputs: fc.dictionary(fc.string(), fc.jsonValue()),
    metadata: fc.dictionary(fc.string(), fc.jsonValue()),
    messages: fc.array(fc.record({ role: fc.constant('user' as const), content: fc.string({ unit: 'binary' }) })),
    output: fc.string({ unit: 'binary' }),
    error: fc.string(),
    duration: fc.double({ noNaN: true, noDefaultInfinity: true }),
  },
  { requiredKeys: [] },
);

test('a log is written as it is read', () => {
  fc.assert(
    fc.property(fields, (given) => {
      const written: unknown = JSON.parse(toLogJson(stored(log(given as never))));
      // Of the same log, whose fields are read one by one.
      expect(JSON.parse(JSON.stringify(stored(log(given as never))))).toEqual(written);
    }),
  );
});

test('a field that is JSON is not parsed to be written, and parsed once to be read', () => {
  const given = log({ inputs: { question: 'why' }, messages: [{ role: 'user', content: 'why' }] });
  const response = stored(given);
  const parse = vi.spyOn(JSON, 'parse');
  expect(toLogJson(response)).toContain('"messages":[{"role":"user","content":"why"}]');
  expect(parse).not.toHaveBeenCalled();
  expect(response.messages).toBe(response.messages);
  expect(response.messages).toEqual(given.messages);
  expect(parse).toHaveBeenCalledTimes(1);
  parse.mockRestore();
});

test('fields that are JSON are read by the same functions in all logs', () => {
  const [first, second] = [stored(log({ inputs: { question: 'why' } })), stored(log({ inputs: { question: 'how' } }))];
  const read = (each: object) => Object.getOwnPropertyDescriptor(each, 'inputs')!.get;
  expect(read(first)).toBe(read(second));
  expect(first.inputs).toEqual({ question: 'why' });
  expect(second.inputs).toEqual({ question: 'how' });
  expect(Object.getOwnPropertySymbols({ ...first })).toEqual([]);
});

test('a page of logs is written without parsing them', async () => {
  const [first, second] = [log({ inputs: { question: 'why' } }), log({ inputs: { question: 'how' } })];
  const page = { records: [stored(first), stored(second)], page: 0, size: 10, total: 2 };
  const parse = vi.spyOn(JSON, 'parse');
  const written = await writeRecordsJson(page);
  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(page)));
});

const tool = (name: string, ...more: object[]) => ({ ...config, tools: [{ name }, ...more] });
const toRow = (content: object) => ({ config_id: 'config_2', config: JSON.stringify(content) });

test('a config that logs share is read once', () => {
  const [first, second] = [toRow(tool('search')), toRow(tool('search'))];
  stored(log(), first);
  const parse = vi.spyOn(JSON, 'parse');
  const written = toLogJson(stored(log(), { ...second, config_last_used: '2026-02-01T00:00:00.000000Z' }));
  expect(parse.mock.calls.filter(([text]) => text.includes('search'))).toEqual([]);
  parse.mockRestore();
  const answer = JSON.parse(written);
  expect(answer.config).toMatchObject({
    id: 'config_2',
    tools: [{ name: 'search', id: expect.stringMatching(/^tool_/) }],
  });
  expect(answer.model_config).toMatchObject({ last_used: '2026-02-01T00:00:00.000000Z', config: answer.config });
});

test('another config is written with what it has itself, under the same id, too', () => {
  for (const name of ['search', 'find', 'search']) {
    const answer = JSON.parse(toLogJson(stored(log(), toRow(tool(name)))));
    expect(answer.config.tools[0].name).toBe(name);
    expect(answer.model_config.config).toEqual(answer.config);
  }
});

test('a long config is written as a short one is', () => {
  const long = tool('search', { name: 'long', description: 'words '.repeat(10_000) });
  const [ofLong, ofShort] = [long, tool('search')].map((each) => JSON.parse(toLogJson(stored(log(), toRow(each)))));
  expect(ofLong.config.tools[0]).toEqual(ofShort.config.tools[0]);
  expect(ofLong.model_config).toEqual({ ...ofShort.model_config, config: ofLong.config });
});

test('what was changed in a config of one log is not in that of another', () => {
  const [first, second] = [stored(log(), toRow(tool('search'))), stored(log(), toRow(tool('search')))];
  (first.config as { name?: string }).name = 'changed';
  expect(JSON.parse(toLogJson(first)).config.name).toBe('changed');
  expect(JSON.parse(toLogJson(second)).config.name).not.toBe('changed');
});

test('what was changed in a log is written', () => {
  const response = stored(log({ inputs: { question: 'why' }, metadata: { of: 'the log' } }));
  response.inputs!['question'] = 'how';
  response.metadata = { of: 'another' };
  expect(JSON.parse(toLogJson(response))).toMatchObject({ inputs: { question: 'how' }, metadata: { of: 'another' } });
});

test('another log that is made of one is written with what it has itself', () => {
  const other = { ...stored(log({ inputs: { question: 'why' } })), inputs: { question: 'how' } };
  expect(JSON.parse(toLogJson(other)).inputs).toEqual({ question: 'how' });
});

test('a log with a long text is written as a short one is', async () => {
  const long = stored(log({ output: 'words "quoted" é '.repeat(100_000), inputs: { question: 'why' } }));
  expect(await writeLogJson(long)).toBe(toLogJson(long));
});
