/** The worst requests of each kind that a server gets from faulty or hostile clients: large, deep, wide, slow or wrong. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { encode } from '../../test/server/otlp/otlp-messages.ts';
import { type Call, get, post } from './call.ts';
import { CONFIG, type LargeData, manyValues, words } from './large-data.ts';

export interface HostileKind {
  readonly name: string;
  /** Made when it is first needed: some bodies have 20 MB. */
  readonly make: (data: LargeData) => Call;
}

const MEBIBYTE = 1024 * 1024;
const POST_LOGS = { method: 'POST', path: '/v4/logs' };
const LOG = { project: 'hostile', config: CONFIG };
const PROTOBUF = { 'content-type': 'application/x-protobuf' };

const gzipped = (text: string): Call => ({
  ...POST_LOGS,
  body: gzipSync(text),
  headers: { 'content-encoding': 'gzip' },
});
const raw = (text: string): Call => ({ ...POST_LOGS, body: text });

function attribute(key: string, text: string): Record<string, unknown> {
  return { key, value: { stringValue: text } };
}

function traces(spanCount: number, attributes: (index: number) => unknown[]): Record<string, unknown> {
  const traceId = randomBytes(16).toString('hex');
  const spans = Array.from({ length: spanCount }, (_, index) => ({
    traceId,
    spanId: (index + 1).toString(16).padStart(16, '0'),
    name: 'chat gpt-4o',
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000001000000000',
    attributes: [
      attribute('gen_ai.operation.name', 'chat'),
      attribute('gen_ai.request.model', 'gpt-4o'),
      ...attributes(index),
    ],
  }));
  return { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: { name: 'app' }, spans }] }] };
}

const prompt = (characters: number) =>
  attribute('gen_ai.input.messages', JSON.stringify([{ role: 'user', content: words(characters) }]));
const protobuf = (json: Record<string, unknown>): Call => ({
  method: 'POST',
  path: '/v1/traces',
  body: encode('TracesData', json),
  headers: PROTOBUF,
});

/** Bodies. */
const BODIES: HostileKind[] = [
  { name: 'a log of 15 MB', make: () => post('/v4/logs', { ...LOG, output: words(15 * MEBIBYTE) }) },
  {
    name: 'a log with 150 messages of 100 kB',
    make: () => post('/v4/logs', { ...LOG, messages: Array(150).fill({ role: 'user', content: words(100_000) }) }),
  },
  {
    name: 'a thousand logs of 15 kB',
    make: () =>
      post(
        '/v4/logs',
        Array(1_000).fill({ ...LOG, messages: [{ role: 'user', content: words(15_000) }], output: 'o' }),
      ),
  },
  { name: 'a thousand small logs', make: () => post('/v4/logs', Array(1_000).fill({ ...LOG, output: 'o' })) },
  { name: 'a log of 499,000 numbers', make: () => post('/v4/logs', { ...LOG, inputs: { v: manyValues(499_000) } }) },
  {
    name: 'a log of 90,000 objects',
    make: () => gzipped(`{"project":"hostile","config":{"model":"m"},"inputs":{"v":[${'{},'.repeat(80_000)}{}]}}`),
  },
  {
    name: 'a log of 1,900 levels',
    make: () =>
      raw(`{"project":"hostile","config":{"model":"m","other":${'{"a":'.repeat(1_900)}1${'}'.repeat(1_900)}}}`),
  },
  { name: 'a bomb of objects', make: () => gzipped(`{"inputs":{"v":[${'{},'.repeat(5_000_000)}{}]}}`) },
  { name: 'a bomb of lists in lists', make: () => gzipped('['.repeat(8_000_000)) },
  { name: 'a bomb of spaces', make: () => gzipped(' '.repeat(200_000_000)) },
  {
    name: 'a bomb of escaped characters',
    make: () => gzipped(`{"project":"hostile","config":{"model":"m"},"output":"${'\\u00e9'.repeat(2_600_000)}"}`),
  },
  { name: 'wrong messages', make: () => gzipped(`{"messages":[${'{},'.repeat(80_000)}{}]}`) },
  { name: 'wrong items', make: () => gzipped(`[${'{},'.repeat(900)}{}]`) },
  {
    name: 'a completion of 15 MB',
    make: ({ wordId }) => ({ ...post(`/v4/logs/${wordId}`, { output: words(15 * MEBIBYTE) }), method: 'PATCH' }),
  },
  {
    name: 'a thousand entries of feedback',
    make: ({ valuesId }) =>
      post(
        '/v4/feedback',
        Array.from({ length: 1_000 }, (_, index) => ({ data_id: valuesId, type: 'comment', value: `${index}` })),
      ),
  },
  { name: 'OTLP: a span of 18 MB', make: () => protobuf(traces(1, () => [prompt(18 * MEBIBYTE)])) },
  { name: 'OTLP: 6,000 spans of 3 kB', make: () => protobuf(traces(6_000, () => [prompt(3_000)])) },
  { name: 'OTLP: 50,000 small spans', make: () => protobuf(traces(50_000, () => [])) },
  {
    name: 'OTLP: spans of 9,000 attributes',
    make: () =>
      protobuf(
        traces(50, (index) => Array.from({ length: 9_000 }, (_, at) => attribute(`${index} ${at}`, 'some text'))),
      ),
  },
  {
    name: 'OTLP: 5,000 spans of 3 kB in JSON',
    make: () =>
      post(
        '/v1/traces',
        traces(5_000, () => [prompt(3_000)]),
      ),
  },
  {
    name: 'OTLP: a bomb of empty objects in JSON',
    make: () => ({ ...gzipped(`{"resourceSpans":[${'{},'.repeat(5_000_000)}{}]}`), path: '/v1/traces' }),
  },
  {
    name: 'OTLP: random bytes',
    make: () => ({ method: 'POST', path: '/v1/traces', body: randomBytes(4 * MEBIBYTE), headers: PROTOBUF }),
  },
  {
    name: 'OTLP: 20 MB of unknown fields',
    make: () => ({
      method: 'POST',
      path: '/v1/traces',
      body: Buffer.alloc(20 * MEBIBYTE - 2, Buffer.from([0xf8, 0x07, 0x01])),
      headers: PROTOBUF,
    }),
  },
];

const LONG_WORD = `${'a'.repeat(499)}b`;

/** Questions with large answers, or a long way to them. */
const QUESTIONS: HostileKind[] = [
  { name: 'a page of large logs', make: ({ imagesId }) => get(`/v4/logs?project_id=${imagesId}&size=400`) },
  { name: 'a page of a thousand logs', make: ({ manyId }) => get(`/v4/logs?project_id=${manyId}&size=1000`) },
  {
    name: 'an export of a thousand logs',
    make: ({ manyId }) => ({ method: 'POST', path: `/v4/projects/${manyId}/export?size=1000` }),
  },
  {
    name: 'a wide sort',
    make: ({ manyId }) =>
      get(
        `/v4/logs?project_id=${manyId}&sort=model.asc&sort=source.desc${[1, 2, 3].map((n) => `&sort=feedback-${n}.asc`).join('')}`,
      ),
  },
  {
    name: 'five hundred sorts',
    make: ({ manyId }) =>
      get(`/v4/logs?project_id=${manyId}${Array.from({ length: 400 }, (_, n) => `&sort=feedback-${n}.asc`).join('')}`),
  },
  {
    name: 'a search in a long word',
    make: ({ wordProjectId }) => get(`/v4/logs?project_id=${wordProjectId}&search=${LONG_WORD}`),
  },
  {
    name: 'a search for wildcards',
    make: ({ manyId }) => get(`/v4/logs?project_id=${manyId}&search=${encodeURIComponent('%_'.repeat(200))}`),
  },
  {
    name: 'a search in metadata',
    make: ({ manyId }) => get(`/v4/logs?project_id=${manyId}&metadata_search=nowhere&search=nowhere`),
  },
  { name: 'a log of 10 MB', make: ({ wordId }) => get(`/v4/logs/${wordId}`) },
  { name: 'a log of 499,000 values', make: ({ valuesId }) => get(`/v4/logs/${valuesId}`) },
  { name: 'a log of long messages', make: ({ messagesId }) => get(`/v4/logs/${messagesId}`) },
  { name: 'viewer: a log of 10 MB', make: ({ wordId }) => get(`/viewer/api/logs/${wordId}`) },
  { name: 'viewer: a log of long messages', make: ({ messagesId }) => get(`/viewer/api/logs/${messagesId}`) },
  { name: 'viewer: a log of 499,000 values', make: ({ valuesId }) => get(`/viewer/api/logs/${valuesId}`) },
  {
    name: 'viewer: a session of 5,000 logs',
    make: ({ longSessionId }) => get(`/viewer/api/sessions/${longSessionId}`),
  },
  {
    name: 'viewer: a session of long messages',
    make: ({ messagesSessionId }) => get(`/viewer/api/sessions/${messagesSessionId}`),
  },
  {
    name: 'viewer: the logs of a session for export',
    make: ({ longSessionId }) => get(`/viewer/api/sessions/${longSessionId}/logs`),
  },
  {
    name: 'viewer: the large logs of a session for export',
    make: ({ messagesSessionId }) => get(`/viewer/api/sessions/${messagesSessionId}/logs`),
  },
  {
    name: 'viewer: a search for a phrase',
    make: () => get(`/viewer/api/sessions?q=${encodeURIComponent('"the lazy dog and"')}`),
  },
  {
    name: 'viewer: a search for fifty beginnings',
    make: () =>
      get(
        `/viewer/api/sessions?q=${encodeURIComponent(Array.from('abcdefghijklmnopqrstuvwxyabcdefghijklmnopqrstuvwx').join(' '))}`,
      ),
  },
  { name: 'viewer: sessions', make: () => get('/viewer/api/sessions?size=200&sort=cost&min_duration=0') },
  { name: 'viewer: an overview of 92 days', make: () => get('/viewer/api/overview?days=92') },
  { name: 'viewer: filters', make: () => get('/viewer/api/filters') },
  { name: 'sessions of a project', make: ({ manyId }) => get(`/v4/sessions?project_id=${manyId}&size=1000`) },
  { name: 'v4: a session of 5,000 logs', make: ({ longSessionId }) => get(`/v4/sessions/${longSessionId}`) },
  { name: 'configs of a project', make: ({ manyId }) => get(`/v4/projects/${manyId}/configs`) },
  { name: 'projects', make: () => get('/v4/projects?size=1000') },
];

export const HOSTILE_KINDS: readonly HostileKind[] = [...BODIES, ...QUESTIONS];
