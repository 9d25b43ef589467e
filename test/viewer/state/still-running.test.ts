import { expect, test } from 'vitest';
import { isStillRunning } from '../../../src/viewer/state/still-running.ts';

const HOUR_MILLIS = 3_600_000;

test('logs without an end are running until nothing has changed for an hour', () => {
  expect(isStillRunning(1, 0, HOUR_MILLIS - 1)).toBe(true);
  expect(isStillRunning(1, 0, HOUR_MILLIS)).toBe(false);
  expect(isStillRunning(0, 0, 0)).toBe(false);
  // The clock of the server is ahead.
  expect(isStillRunning(2, 5_000, 0)).toBe(true);
});
