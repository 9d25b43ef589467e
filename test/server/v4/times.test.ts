/** Which texts and numbers are times, in bodies and queries. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIsoTime } from '../../../src/server/store/timestamps.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const good = { project: 'p', config: { model: 'gpt-4' } };

const TIMES: [given: string | number, stored: string][] = [
  ['2024-01-01', '2024-01-01T00:00:00.000000Z'],
  ['2024-01-01 06:07', '2024-01-01T06:07:00.000000Z'],
  ['2024-01-01 06:07:08', '2024-01-01T06:07:08.000000Z'],
  ['2024-01-01 06:07:08.5+00:00', '2024-01-01T06:07:08.500000Z'],
  ['2024-01-01T06:07Z', '2024-01-01T06:07:00.000000Z'],
  ['2024-01-01T06:07:08z', '2024-01-01T06:07:08.000000Z'],
  ['2024-01-01t06:07:08.123456789Z', '2024-01-01T06:07:08.123456Z'],
  ['2024-01-01T06:07:08', '2024-01-01T06:07:08.000000Z'],
  ['2024-01-01T06:07:08+0530', '2024-01-01T00:37:08.000000Z'],
  ['2024-01-01T06:07:08+05', '2024-01-01T01:07:08.000000Z'],
  ['2024-01-01T06:07:08-05:30', '2024-01-01T11:37:08.000000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000000Z'],
  [1704067200, '2024-01-01T00:00:00.000000Z'],
  ['1704067200', '2024-01-01T00:00:00.000000Z'],
  [1704067200.25, '2024-01-01T00:00:00.250000Z'],
  [1704067200123, '2024-01-01T00:00:00.123000Z'],
  [1704067200123456, '2024-01-01T00:00:00.123456Z'],
  [0, '1970-01-01T00:00:00.000000Z'],
  [-0.5, '1969-12-31T23:59:59.500000Z'],
];

const NOT_TIMES = [
  ...['2024-02-31', '2023-02-29', '2024-13-01', '2024-00-01', '2024-01-00', '2024-1-1', '24-01-01', '06:07', 'now'],
  ...['2024-02-31T00:00:00Z', '2024-02-31 00:00:00', '2024-01-01T24:00:00Z', '2024-01-01T00:60:00Z'],
  ...['2024-01-01T00:00:60Z', '2024-01-01T00:00:00+25:00', '2024-01-01T00:00:00+05:99', '2024-01-01T', 'NaN', '1e3'],
  ...[
    '9999-12-31T23:59:59-14:00',
    '0000-01-01T00:00:00+14:00',
    '123456789012345678901',
    '2024-01-01T00:00:00 Europe/Oslo',
  ],
];

test.each(TIMES)('created_at %j', async (given, stored) => {
  const { call } = await startTestServer();
  const feedback = { type: 'rating', value: 'good', created_at: given };
  const { status, body } = await call('POST', '/v4/logs', { ...good, created_at: given, feedback: [feedback] });
  expect(status, JSON.stringify(body)).toBe(200);
  const log = await call('GET', `/v4/logs/${body.id}`);
  expect(log.body).toMatchObject({ created_at: stored, feedback: [{ created_at: stored }] });
  expect((await call('POST', '/v4/feedback', { ...feedback, data_id: body.id })).body.created_at).toBe(stored);

  // Inclusive, and no other time: the neighbours are not in the range.
  const list = async (start: string, end: string) =>
    (await call('GET', `/v4/logs?project_id=${body.project_id}&start_date=${start}&end_date=${end}`)).body.total;
  const bound = encodeURIComponent(given);
  expect(await list(bound, bound)).toBe(1);
  if (!/^\d{4}-\d\d-\d\d$/.test(String(given))) {
    const [before, after] = [-1, 1].map((step) => new Date(Date.parse(stored) + step).toISOString());
    expect([await list(after!, bound), await list(bound, before!)]).toEqual([0, 0]);
  }
});

test.each(NOT_TIMES)('%j is not a time', async (given) => {
  const { call } = await startTestServer();
  const log = await call('POST', '/v4/logs', { ...good, created_at: given });
  expect(log).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'created_at'] }] } });
  const { body } = await call('POST', '/v4/logs', good);
  const feedback = { type: 'rating', value: 'good', data_id: body.id, created_at: given };
  expect(await call('POST', '/v4/feedback', feedback)).toMatchObject({ status: 422 });
  for (const name of ['start_date', 'end_date']) {
    const path = `/v4/logs?project_id=${body.project_id}&${name}=${encodeURIComponent(given)}`;
    expect(await call('GET', path)).toMatchObject({ status: 422, body: { detail: [{ loc: ['query', name] }] } });
  }
});

test.each(['+00:00', '+0000', '+00'])(
  'the plus of an offset %s that is not encoded in a query is one',
  async (offset) => {
    const { call } = await startTestServer();
    const { body } = await call('POST', '/v4/logs', { ...good, created_at: '2024-01-01T06:07:08Z' });
    for (const time of ['2024-01-01T06:07:08', '2024-01-01 06:07:08.000', '2024-01-01T06:07']) {
      const path = `/v4/logs?project_id=${body.project_id}&start_date=${time.replace(' ', '%20')}${offset}`;
      expect(await call('GET', path)).toMatchObject({ status: 200, body: { total: 1 } });
    }
  },
);

test('a date alone is its whole day', async () => {
  const { call } = await startTestServer();
  const times = [
    '2024-01-01T23:59:59.999999Z',
    '2024-01-02T00:00:00Z',
    '2024-01-02T23:59:59.9Z',
    '2024-01-03T00:00:00Z',
  ];
  const { body } = await call(
    ...(['POST', '/v4/logs'] as const),
    times.map((time) => ({ ...good, created_at: time })),
  );
  const path = `/v4/logs?project_id=${body[0].project_id}&start_date=2024-01-02&end_date=2024-01-02`;
  expect((await call('GET', path)).body.total).toBe(2);
});

test('what is no time in any form stays a 422: true, an object, a list', async () => {
  const { call } = await startTestServer();
  for (const given of [true, {}, [], '']) {
    expect((await call('POST', '/v4/logs', { ...good, created_at: given })).status).toBe(422);
  }
});

test('a time is as JavaScript writes it where it comes back just so, and nowhere else', () => {
  const isWrittenSo = (text: string) => {
    const millis = Date.parse(text);
    return !Number.isNaN(millis) && text.length === 24 && new Date(millis).toISOString() === text;
  };
  const number = (length: number, max: number) =>
    fc.integer({ min: 0, max }).map((value) => String(value).padStart(length, '0'));
  const parts = fc.tuple(number(4, 9_999), number(2, 14), number(2, 33), number(2, 25), number(2, 61), number(2, 61));
  const times = parts.map(([y, mo, d, h, mi, s]) => `${y}-${mo}-${d}T${h}:${mi}:${s}.000Z`);
  const dates = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const days = fc.tuple(number(4, 9_999), number(2, 12), number(2, 31));
  const ends = days.map(([y, month, day]) => `${y}-${month}-${day}T23:59:59.999Z`);
  const spoilt = fc
    .tuple(fc.oneof(times, dates, ends), fc.nat({ max: 23 }), fc.constantFrom(...'0129-+:.TZ /;٣x'))
    .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(times, dates, ends, spoilt), (text) => {
      expect(isIsoTime(text)).toBe(isWrittenSo(text));
    }),
    { numRuns: 5_000 },
  );
  for (const year of [0, 4, 1900, 2000, 2023, 2024, 9999]) {
    const text = `${String(year).padStart(4, '0')}-02-29T00:00:00.000Z`;
    expect(isIsoTime(text)).toBe(isWrittenSo(text));
  }
});
