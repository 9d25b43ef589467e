import { describe, expect, test, vi } from 'vitest';
import { judgePost, judgeUpdate } from '../../src/delivery/verdict.ts';
import { answered, LOST, UNSENT } from './outcomes.ts';

const TWO = [{ id: 'data_1' }, { id: 'data_2' }];

describe('a POST of two logs', () => {
  test.each([
    ['an id for each', answered(200, TWO), 'stored'],
    ['another 2xx with an id for each', answered(201, TWO), 'stored'],
    ['409: it is there already', answered(409), 'stored'],
    ['an id too few', answered(200, TWO.slice(1)), 'unsure'],
    ['a page', answered(200, '<html>'), 'unsure'],
    ['a cut answer', answered(200, '[{"id":'), 'unsure'],
    ['nothing', answered(200, ''), 'unsure'],
    ['a lost answer', LOST, 'unsure'],
    ['500', answered(500), 'unsure'],
    ['502', answered(502, '<html>'), 'unsure'],
    ['503', answered(503), 'unsure'],
    ['408', answered(408), 'unsure'],
    ['no connection', UNSENT, 'later'],
    ['429', answered(429), 'later'],
    ['401', answered(401), 'refused'],
    ['403', answered(403), 'refused'],
    ['404: a wrong address', answered(404), 'refused'],
    ['405', answered(405), 'refused'],
    ['a redirect, which is not followed', answered(307, '', { location: 'http://elsewhere/' }), 'refused'],
    ['413', answered(413), 'tooLarge'],
    ['400', answered(400), 'invalid'],
    ['422', answered(422), 'invalid'],
  ])('%s', (_, outcome, kind) => {
    expect(judgePost(outcome, 2).kind).toBe(kind);
  });

  test('a 422 gives the indices of the invalid logs, the field and the rule, but not the value', () => {
    const detail = [
      { loc: ['body', 1, 'config', 'model'], msg: 'field required', type: 'value_error', input: 'secret' },
      { loc: ['body', 1, 'messages', 0, 'role'], msg: 'no role', type: 'value_error' },
      { loc: ['body', 7], msg: 'no such place', type: 'value_error' },
    ];
    const verdict = judgePost(answered(422, { detail }), 2);
    expect(verdict).toEqual({ kind: 'invalid', why: 'HTTP 422: body.1.config.model: field required', indices: [1] });
  });

  test.each([[{ detail: 'bad' }], [{ detail: { message: 'bad' } }], ['bad'], [null]])(
    'a 422 with %j gives no indices',
    (body) => {
      expect(judgePost(answered(422, body), 2)).toEqual({ kind: 'invalid', why: 'HTTP 422' });
    },
  );
});

describe('an update', () => {
  test.each([
    ['a log', answered(200, { id: 'data_1' }), 'stored'],
    ['a page', answered(200, '<html>'), 'unsure'],
    ['404: not there', answered(404), 'unknown'],
    ['422', answered(422), 'invalid'],
    ['413', answered(413), 'tooLarge'],
    ['401', answered(401), 'refused'],
    ['a lost answer', LOST, 'unsure'],
  ])('%s', (_, outcome, kind) => {
    expect(judgeUpdate(outcome).kind).toBe(kind);
  });
});

describe('Retry-After', () => {
  test.each([
    ['2', 2_000],
    ['0', undefined],
    ['-5', undefined],
    ['abc', undefined],
    ['1.5', undefined],
    ['99999999', 15 * 60_000],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', undefined],
  ])('%s', (value, millis) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 22, 12) });
    const verdict = judgePost(answered(429, {}, { 'retry-after': value }), 1);
    vi.useRealTimers();
    expect(verdict).toEqual({ kind: 'later', why: 'HTTP 429', ...(millis && { retryAfterMillis: millis }) });
  });
});
