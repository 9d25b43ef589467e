import { expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatClock,
  formatCost,
  formatCount,
  formatSeconds,
  formatTick,
  formatTime,
  formatTokens,
  toVisibleText,
} from '../../../src/viewer/parts/format.ts';

test('durations have the digits that matter', () => {
  const shown = [0, 0.0004, 0.0042, 0.0421, 0.4, 0.9996, 1, 9.994, 12.34, 59.96, 75, 3720, 200_000];
  expect(shown.map(formatSeconds)).toEqual([
    ...['0 ms', '<1 ms', '4.2 ms', '42 ms', '400 ms', '1.00 s', '1.00 s', '9.99 s', '12.3 s', '1 m 0 s', '1 m 15 s'],
    ...['1 h 2 m', '2 d 7 h'],
  ]);
  expect([0, 1, 1.5, 10, 0.25].map(formatTick)).toEqual(['0', '1 s', '1.5 s', '10 s', '250 ms']);
});

test('counts, tokens, cost and bytes', () => {
  expect([0, 999, 1005, 9999, 12_345, 999_499, 1_500_000].map(formatCount)).toEqual([
    ...['0', '999', '1,005', '9,999', '12.3k', '999k', '1.5M'],
  ]);
  expect(formatTokens(undefined, undefined)).toBeUndefined();
  expect(formatTokens(12, undefined)).toBe('12 → ?');
  expect([0, 0.000123, 1.5].map(formatCost)).toEqual(['$0', '$0.00012', '$1.50']);
  expect([999, 12_345, 5_000_000].map(formatBytes)).toEqual(['999 B', '12 kB', '5.0 MB']);
});

test('times are those of the reader', () => {
  const time = new Date(2026, 0, 5, 7, 8, 9).toISOString();
  expect(formatTime(time)).toBe('2026-01-05 07:08:09');
  expect(formatClock(time)).toBe('07:08:09');
});

test('ages up to a day, then the date', () => {
  const now = Date.parse('2026-05-10T12:00:00Z');
  const ago = (seconds: number) => formatAge(new Date(now - seconds * 1000).toISOString(), now);
  expect([3, 42, 600, 7300, 3 * 86_400, 500 * 86_400].map(ago)).toEqual([
    'now',
    '42 s ago',
    '10 min ago',
    '2 h ago',
    '7 May',
    '26 Dec 2024',
  ]);
  // A server whose clock is ahead.
  expect(ago(-30)).toBe('now');
});

test('what cannot be seen becomes a space, and a text with nothing else says so', () => {
  expect(toVisibleText('a\u202Eb\u200Bc\nd')).toBe('a b c d');
  expect(toVisibleText('\u200B\u2060\uFEFF')).toBe('(no visible text)');
  expect(toVisibleText('שלום')).toBe('שלום');
});
