/** Reads of words by their index alone: asked for one row, or for an order, the planner would walk along the logs. */
import type pg from 'pg';
import { pipelined, type Row, type Statement } from './connection.ts';

const ANSWER_MILLIS = 12_000;

/** In a transaction that ends with it, whose statements take so long each at most. Rejects if one takes longer. */
export async function readByIndex(
  client: pg.ClientBase,
  statements: readonly Statement[],
  maxMillis: number,
): Promise<Row[][]> {
  try {
    const results = await pipelined(client, [
      {
        text: `BEGIN READ ONLY; SET LOCAL citus.propagate_set_commands TO 'local'; SET LOCAL enable_seqscan TO off;
          SET LOCAL enable_indexscan TO off; SET LOCAL statement_timeout TO ${maxMillis}`,
      },
      ...statements,
      // The driver counts from now on, also for what waits behind other statements.
      { text: 'COMMIT', query_timeout: statements.length * maxMillis + ANSWER_MILLIS },
    ]);
    return results.slice(1, -1).map(({ rows }) => rows);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
