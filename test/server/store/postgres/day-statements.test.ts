import { expect, onTestFinished, test, vi } from 'vitest';
import { inTables } from '../../../../src/server/store/postgres/tables/partitions.ts';

const HOUR_MILLIS = 3_600_000;

test('a statement is named after its tables, also when a day ends meanwhile', () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => {
    now += 7 * HOUR_MILLIS;
    return now;
  });
  onTestFinished(() => clock.mockRestore());
  for (let time = 0; time < 30; time += 1) {
    const { name, text } = inTables(`number ${time}`, 'SELECT FROM {logs}, {feedback}', '2026-01-04', []);
    const [, ofDay] = name!.split(' in logs');
    expect(text).toBe(`SELECT FROM logs${ofDay}, feedback${ofDay}`);
  }
});

test('a name that stands for another statement elsewhere is given its text', () => {
  const day = '2020-01-01';
  for (const text of ['SELECT 1 FROM {logs}', 'SELECT 2 FROM {logs}', 'SELECT 1 FROM {logs}']) {
    expect(inTables('shared', text, day, [1])).toEqual({
      ...{ name: 'shared in logs', text: text.replace('{logs}', 'logs'), values: [1] },
    });
  }
});
