import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqlite } from '../../src/sqlite/open.ts';
import { createStatementCache, prepareAll } from '../../src/sqlite/statement-cache.ts';

function openDatabase() {
  const database = openSqlite({ file: ':memory:' });
  onTestFinished(() => database.close());
  return { prepare: vi.fn(database.prepare) };
}

test('a text is prepared once, whoever asks for it and by which name', () => {
  const database = openDatabase();
  const prepare = createStatementCache(database);
  const statements = prepareAll(prepare, {
    one: 'SELECT 1 AS value',
    two: 'SELECT 2 AS value',
    uno: 'SELECT 1 AS value',
  });
  expect(statements.uno).toBe(statements.one);
  expect(prepare('SELECT 2 AS value')).toBe(statements.two);
  expect(database.prepare).toHaveBeenCalledTimes(2);
  expect(statements.two.get()).toEqual({ value: 2 });
});

test('composed texts are bounded, and a statement that somebody holds outlives them', () => {
  const database = openDatabase();
  const prepare = createStatementCache(database);
  const { held } = prepareAll(prepare, { held: 'SELECT 0 AS value' });
  for (let value = 1; value <= 200; value += 1) prepare(`SELECT ${value} AS value`);
  expect(held.get()).toEqual({ value: 0 });
  prepare('SELECT 1 AS value');
  expect(database.prepare).toHaveBeenCalledTimes(202);
});

test('a text that is not SQL fails when it is prepared', () => {
  expect(() => prepareAll(createStatementCache(openDatabase()), { broken: 'SELEC 1' })).toThrow('syntax error');
});
