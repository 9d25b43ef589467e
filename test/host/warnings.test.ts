import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Warnings } from '../../src/host/warnings.ts';

let said: unknown[][] = [];

beforeEach(() => {
  said = [];
  const ignore = () => undefined;
  const warn = (...line: unknown[]) => void said.push(line);
  diag.setLogger(
    { error: ignore, warn, info: ignore, debug: ignore, verbose: ignore },
    {
      logLevel: DiagLogLevel.WARN,
      suppressOverrideMessage: true,
    },
  );
});
afterEach(() => {
  diag.disable();
  vi.useRealTimers();
});

it('says each topic once, under the name of the package', () => {
  const warnings = new Warnings();
  const cause = new Error('why');
  for (let count = 0; count < 3; count++) {
    warnings.warn('disk', 'the disk is full', cause);
    warnings.warn('key', 'the key is wrong');
  }
  expect(said).toEqual([['humanloop-otel: the disk is full', cause], ['humanloop-otel: the key is wrong']]);
  expect([warnings.isSuppressed('disk'), warnings.isSuppressed('other')]).toEqual([true, false]);
});

it('says it again after the interval', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const warnings = new Warnings(60_000);
  warnings.warn('down', 'first');
  vi.advanceTimersByTime(59_999);
  warnings.warn('down', 'second');
  vi.advanceTimersByTime(1);
  warnings.warn('down', 'third');
  expect(said.map(([line]) => line)).toEqual(['humanloop-otel: first', 'humanloop-otel: third']);
});

it('says it again after the trouble was over', () => {
  const warnings = new Warnings();
  warnings.warn('disk', 'full');
  warnings.forget('disk');
  warnings.warn('disk', 'full again');
  expect(said).toHaveLength(2);
});
