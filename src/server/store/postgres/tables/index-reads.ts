/**
 * Reads of words by one index alone, whatever the planner knows of the table: of a day that has begun a moment ago, that
 * is nothing. Each is a transaction that ends with it, sent in one trip.
 */
import type pg from 'pg';
import { pipelined, type Row, type Statement } from './connection.ts';

const ANSWER_MILLIS = 12_000;

/** By the index of words: asked for one row, or for an order, the planner would walk along the logs. */
const BY_WORDS = 'SET LOCAL enable_indexscan TO off';
/** Along the index of ids: the planner would read all logs of the day, and sort them. */
const BY_ID = 'SET LOCAL enable_bitmapscan TO off; SET LOCAL enable_sort TO off';

/** The statements take so long each at most. Rejects if one takes longer. */
export async function readByIndex(
  client: pg.ClientBase,
  statements: readonly Statement[],
  maxMillis: number,
): Promise<Row[][]> {
  return readWith(client, `${BY_WORDS}; SET LOCAL statement_timeout TO ${maxMillis}`, statements, {
    // The driver counts from now on, also for what waits behind other statements.
    query_timeout: statements.length * maxMillis + ANSWER_MILLIS,
  });
}

/** Reads rows in the order of their ids, and no more of them than the statement asks for. */
export async function readAlongIds(client: pg.ClientBase, statement: Statement): Promise<Row[]> {
  const [rows] = await readWith(client, BY_ID, [statement]);
  return rows!;
}

async function readWith(
  client: pg.ClientBase,
  settings: string,
  statements: readonly Statement[],
  ofCommit: Pick<Statement, 'query_timeout'> = {},
): Promise<Row[][]> {
  try {
    const results = await pipelined(client, [
      {
        text: `BEGIN READ ONLY; SET LOCAL citus.propagate_set_commands TO 'local'; SET LOCAL enable_seqscan TO off;
          ${settings}`,
      },
      ...statements,
      { text: 'COMMIT', ...ofCommit },
    ]);
    return results.slice(1, -1).map(({ rows }) => rows);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
