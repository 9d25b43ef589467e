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
  fromLocalInput,
  toLocalInput,
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
  expect([0.02, 0.2, 0.9949, 0.00996, 1e-9, 12_345, -0.5].map(formatCost)).toEqual([
    ...['$0.020', '$0.20', '$0.99', '$0.010', '<$0.000001', '$12.3k', '-$0.50'],
  ]);
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
  expect(toVisibleText('a\u200d b\u200c\u200cc \u200dd')).toBe('a  b c  d');
});

test('joiners that spell a word, an emoji or a flag stay', () => {
  const family = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}';
  const england = '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}';
  const heart = '\u2764\ufe0f\u200d\u{1f525}';
  for (const text of ['می\u200cخواهم', 'क्\u200dष', 'क्\u200cष', family, england, heart, '\u{1f44b}\u{1f3fd}']) {
    expect(toVisibleText(text)).toBe(text);
  }
  expect(toVisibleText('x\u{e0067}\u{e0062}y')).toBe('x y');
});

test('a time in the address is in UTC, and in the field that of the reader', () => {
  const local = '2026-03-05T07:08';
  const address = fromLocalInput(local);
  expect(address).toMatch(/^2026-03-0[456]T\d\d:\d\dZ$/);
  expect(toLocalInput(address)).toBe(local);
  expect([fromLocalInput(''), fromLocalInput('x'), toLocalInput(''), toLocalInput('15m')]).toEqual(['', '', '', '']);
});
