import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HumanloopError } from '../../../src/errors.ts';
import { HttpError } from '../../../src/server/http/http-error.ts';
import { createErrorPrinter } from '../../../src/server/http/print-errors.ts';
import { StoreUnavailableError } from '../../../src/server/store/unavailable-error.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('an outage is a line every ten seconds with the number of the others, and any other failure is a line', () => {
  const lines: string[] = [];
  const print = createErrorPrinter((line) => lines.push(line));
  const away = new StoreUnavailableError('unreachable', 'the database is away');
  for (let second = 0; second < 12; second += 1) {
    print(away);
    vi.advanceTimersByTime(1_000);
  }
  print(new StoreUnavailableError('full', 'the disk is full'));
  for (let index = 0; index < 2; index += 1) print(new HumanloopError('something else'));
  expect(lines).toEqual([
    'humanloop-otel server: the database is away',
    'humanloop-otel server: the database is away, and 9 more like the one before',
    'humanloop-otel server: the disk is full',
    'humanloop-otel server: something else',
    'humanloop-otel server: something else',
  ]);
  print(new TypeError('a bug'));
  expect(lines.at(-1)).toMatch(/TypeError: a bug\n +at /);
});

test('requests that are refused as too many are a line every ten seconds, without a stack', () => {
  const lines: string[] = [];
  const print = createErrorPrinter((line) => lines.push(line));
  for (let second = 0; second < 12; second += 1) {
    print(new HttpError(503, 'too many requests at once', { 'Retry-After': '1' }));
    vi.advanceTimersByTime(1_000);
  }
  print(new HttpError(503, 'too many open viewers'));
  expect(lines).toEqual([
    'humanloop-otel server: too many requests at once',
    'humanloop-otel server: too many requests at once, and 9 more like the one before',
    'humanloop-otel server: too many open viewers',
  ]);
});
