/** Statements that a client is sent in the form of `createQueries`, beside the driver's own. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, pipelined, type Statement } from '../../../../src/server/store/postgres/tables/connection.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';

const RUNS = 30;

/** Of each, the prepared statement is another one. */
const TEXTS = [
  'SELECT $1::text AS one, length($1) AS two, NULL::bigint AS none WHERE $1 <> $2::text',
  'SELECT $1::text AS "two", ARRAY[$2::text, $1] AS list',
  'INSERT INTO kept VALUES ($1, $2)',
  'INSERT INTO kept VALUES ($1, $2) RETURNING *',
  'DELETE FROM kept WHERE one = $1 AND one <> $2 RETURNING one, one AS again',
  'SELECT 1 / (length($1) - length($2)) AS divided',
  'SELECT $1::text = $2::text AS "constructor", $1 AS "__proto__"',
] as const;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  const connect = async (schema: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: schema, ...{ pipeline: true } });
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };

  test('are answered as the driver answers them, whatever is sent before their answers', async () => {
    const statement = fc.record({ text: fc.nat(TEXTS.length - 1), values: fc.tuple(fc.string(), fc.string()) });
    const steps = fc.array(fc.array(statement, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
    const clients = await Promise.all([1, 2].map(async () => connect(await cluster.createSchema())));
    const [client, other] = clients as [pg.Client, pg.Client];
    for (const each of clients) await each.query('CREATE TABLE kept (one text, two text)');
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        for (const together of all) {
          const statements = together.map(({ text, values }): Statement => {
            const name = `text ${text}`;
            return { name, text: TEXTS[text]!, values: values.map((value) => value.replaceAll('\0', '')) };
          });
          const answers = await Promise.allSettled(statements.map((each) => ask(client, each)));
          const expected = await Promise.allSettled(statements.map((each) => other.query(each as pg.QueryConfig)));
          expect(answers.map(toAnswer)).toEqual(expected.map(toAnswer));
        }
      }),
      { numRuns: RUNS },
    );
  });

  test('ask for the columns of a prepared statement once in a connection', async () => {
    const describes = vi.spyOn(pg.Connection.prototype as unknown as { describe(): void }, 'describe');
    onTestFinished(() => void vi.restoreAllMocks());
    const client = await connect(cluster.url);
    const statements = [TEXTS[0], 'SELECT $1::text AS a, $2::text AS b'].map((text, index) => ({
      ...{ name: `text ${index}`, text, values: ['x', 'y'] },
    }));
    const first = await pipelined(client, statements);
    expect(describes).toHaveBeenCalledTimes(2);
    const second = await pipelined(client, statements);
    expect(second.map(({ rows }) => rows)).toEqual(first.map(({ rows }) => rows));
    expect(describes).toHaveBeenCalledTimes(2);
    await pipelined(await connect(cluster.url), statements);
    expect(describes).toHaveBeenCalledTimes(4);
  });

  test('never take the columns of a table for those that it had before', async () => {
    const schema = await cluster.createSchema();
    const client = await connect(schema);
    await client.query(`CREATE TABLE grown AS SELECT 'x' AS one`);
    const statement = { name: 'all', text: 'SELECT * FROM grown', values: [] };
    for (let time = 0; time < 2; time += 1) {
      expect((await ask(client, statement)).rows).toEqual([{ one: 'x' }]);
    }
    await client.query(`ALTER TABLE grown ADD COLUMN two text DEFAULT 'y'`);
    await expect(ask(client, statement)).rejects.toThrow('cached plan must not change result type');
    expect((await ask(await connect(schema), statement)).rows).toEqual([{ one: 'x', two: 'y' }]);
  });
});

function toAnswer(settled: PromiseSettledResult<pg.QueryResult>) {
  if (settled.status === 'rejected') return String(settled.reason);
  const { rows, command, rowCount, fields } = settled.value;
  return { rows, command, rowCount, fields: fields.map(({ name, dataTypeID }) => [name, dataTypeID]) };
}
