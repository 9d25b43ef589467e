import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatLocation,
  parseLocation,
  toApiQuery,
  type ViewLocation,
} from '../../../src/viewer/state/view-location.ts';

function roundTrip(location: ViewLocation): ViewLocation {
  const url = new URL(formatLocation(location), 'http://127.0.0.1');
  return parseLocation(url.pathname, url.search);
}

test('every state is an address, and comes back from it', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  const session = fc.record(
    {
      page: fc.constant('session' as const),
      session: text.filter((id) => id !== '.' && id !== '..'),
      log: text,
      tab: fc.constantFrom('content', 'config', 'metadata', 'raw'),
      compare: text,
    },
    { requiredKeys: ['page', 'session'] },
  );
  const filters = fc.record({ q: text, project: text, error: fc.constant('1'), since: text }, { requiredKeys: [] });
  const sessions = fc.record({ page: fc.constant('sessions' as const), filters });
  fc.assert(
    fc.property(
      fc.oneof(session, sessions),
      (location) => void expect(roundTrip(location as ViewLocation)).toEqual(location),
    ),
  );
});

test('what is unknown in an address is passed over', () => {
  expect(parseLocation('/', '?project=&other=1')).toEqual({ page: 'sessions', filters: {} });
  expect(parseLocation('/sessions/sesh_1', '?tab=nothing')).toEqual({ page: 'session', session: 'sesh_1' });
  expect(parseLocation('/sessions/%E0%A4%A', '')).toEqual({ page: 'session', session: '%E0%A4%A' });
});

test('a relative time is counted from now, a wrong one is left out', () => {
  const now = Date.parse('2026-05-10T12:00:00Z');
  expect(toApiQuery({ since: '15m' }, now).get('since')).toBe('2026-05-10T11:45:00.000Z');
  expect(toApiQuery({ since: '7d', q: 'a b' }, now).toString()).toBe('q=a+b&since=2026-05-03T12%3A00%3A00.000Z');
  expect(toApiQuery({ since: 'soon', until: '2026-05-10T12:00Z' }, now).toString()).toBe(
    'until=2026-05-10T12%3A00%3A00.000Z',
  );
});
