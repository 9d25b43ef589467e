/**
 * Brings the schema to its newest version, and says how the tables are laid out: on one server, or distributed. Any
 * number of servers may start at once, since the migrations run under a lock of the database.
 */
import type pg from 'pg';
import { HumanloopError } from '../../../../errors.ts';
import { LONG_MILLIS, pipelined } from './connection.ts';
import { makePartitions } from './partitions.ts';
import { MAJOR, MIGRATIONS } from './schema.ts';
import { checkSettings, NO_LIMITS } from './session-settings.ts';

const LOCK = 0x686c_6f74;
const WAIT_MILLIS = 30_000;
const BUCKETS = 1024;
const OLDEST_VERSION = 140_000;

/** What `migrate` writes must be read by the servers that are there. */
export async function isNewerSchema(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query(`SELECT value FROM meta WHERE name = 'schema'`);
  return Number(rows[0]?.value) > MIGRATIONS.length;
}

export interface Layout {
  readonly isDistributed: boolean;
  /** By bucket. Rows of a statement are sorted by it, so that turns lock shards in one order. */
  readonly shardOrder: readonly number[];
}

/**
 * Begins a transaction that writes. It reads by an index, however small a table was when the statement was planned; which
 * rows it reads by it is for the statement to say. On a distributed table it locks shards one after another, in the order of its rows, also those of the node.
 */
export function toBegin({ isDistributed }: Layout): string {
  if (!isDistributed) return 'BEGIN; SET LOCAL enable_seqscan TO off';
  return `BEGIN; SET LOCAL citus.multi_shard_modify_mode TO 'sequential'; SET LOCAL citus.enable_local_execution TO off`;
}

export async function prepareSchema(pool: pg.Pool, migrations = MIGRATIONS): Promise<Layout> {
  const client = await pool.connect();
  try {
    await checkServer(client);
    if (await takesSchemaChanges(client)) await migrate(client, migrations);
    else await waitForSchema(client, migrations.length);
    const { rows } = await client.query(`SELECT value FROM meta WHERE name = 'layout'`);
    const isDistributed = rows[0]?.value === 'citus';
    return { isDistributed, shardOrder: await readShardOrder(client, isDistributed) };
  } finally {
    client.release();
  }
}

async function checkServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding`,
  );
  const { version, encoding } = rows[0];
  if (version < OLDEST_VERSION) throw new HumanloopError('the database must be PostgreSQL 14 or later');
  if (encoding !== 'UTF8') {
    throw new HumanloopError(
      `the database must have the encoding UTF8, not ${encoding}: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    );
  }
  await checkSettings(client);
}

/** With Citus, only the coordinator. */
async function takesSchemaChanges(client: pg.ClientBase): Promise<boolean> {
  if (!(await hasCitus(client))) return true;
  const { rows } = await client.query('SELECT groupid FROM pg_dist_local_group');
  return rows[0]?.groupid === 0;
}

async function hasCitus(client: pg.ClientBase): Promise<boolean> {
  return (await client.query(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`)).rows.length > 0;
}

async function migrate(client: pg.ClientBase, migrations: typeof MIGRATIONS): Promise<void> {
  const run = (text: string) => client.query({ text, query_timeout: LONG_MILLIS } as pg.QueryConfig);
  await client.query('BEGIN');
  try {
    // Another server may be at it, with indexes to build.
    await run(`${NO_LIMITS}; SET LOCAL lock_timeout TO 0; SELECT pg_advisory_xact_lock(${LOCK})`);
    const isNew = !(await hasTables(client));
    if (isNew) await client.query('CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL)');
    const { rows } = await client.query<{ name: string; value: string }>('SELECT name, value FROM meta');
    const meta = new Map(rows.map(({ name, value }) => [name, value]));
    refuseNewer(meta.get('major'));
    const done = Number(meta.get('schema') ?? 0);
    const compresses = await knowsLz4(client);
    const isDistributed = isNew ? await hasCitus(client) : meta.get('layout') === 'citus';
    for (const { sql, distribution } of migrations.slice(done)) {
      await run(compresses ? sql : sql.replaceAll(' COMPRESSION lz4', ''));
      if (isDistributed) for (const each of distribution) await run(each);
    }
    if (isNew) {
      await client.query(`INSERT INTO meta VALUES ('layout', $1), ('major', $2), ('schema', '0')`, [
        isDistributed ? 'citus' : 'plain',
        String(MAJOR),
      ]);
      await makePartitions(client);
    }
    if (done < migrations.length) {
      await client.query(`UPDATE meta SET value = $1 WHERE name = 'schema'`, [String(migrations.length)]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

const OWN_TABLES = [
  ...['meta', 'projects', 'configs', 'sessions', 'session_projects', 'session_facets', 'logs', 'log_references'],
  ...['log_words', 'words', 'feedback', 'traces', 'trace_parts', 'trace_contents', 'trace_calls'],
];

/** Refuses the tables of another program, which would have to be changed. */
async function hasTables(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `SELECT relname AS name, array_agg(attname::text) AS columns FROM pg_class
      JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
      WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ANY($1) GROUP BY relname`,
    [OWN_TABLES],
  );
  if (rows.length === 0) return false;
  const meta = rows.find(({ name }) => name === 'meta');
  if (meta?.columns.includes('name') && meta.columns.includes('value')) {
    const found = await client.query(`SELECT 1 FROM meta WHERE name = 'major'`);
    if (found.rows.length > 0) return true;
  }
  const names = rows.map(({ name }) => name).join(', ');
  throw new HumanloopError(
    `the database has tables of another program (${names}): use another database, or a schema of its own`,
  );
}

/** PostgreSQL can be built without it; then its own compression is used, which is slower and packs as well. */
async function knowsLz4(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)`,
  );
  return rows.length > 0;
}

function refuseNewer(major: string | undefined): void {
  if (major === undefined || Number(major) <= MAJOR) return;
  throw new HumanloopError('the database was made by a newer version of humanloop-otel: update this server');
}

/** The coordinator makes the schema, from where it can be read here. */
async function waitForSchema(client: pg.ClientBase, version: number): Promise<void> {
  for (const end = Date.now() + WAIT_MILLIS; Date.now() < end; await new Promise((done) => setTimeout(done, 500))) {
    const { rows } = await client.query(`SELECT to_regclass('meta') AS meta`);
    if (!rows[0].meta) continue;
    const found = await client.query(`SELECT name, value FROM meta`);
    const meta = new Map(found.rows.map(({ name, value }) => [name, value]));
    refuseNewer(meta.get('major'));
    if (Number(meta.get('schema')) >= version) return;
  }
  throw new HumanloopError('this node has no schema: start one server with the address of the coordinator');
}

async function readShardOrder(client: pg.ClientBase, isDistributed: boolean): Promise<number[]> {
  if (!isDistributed) return Array.from({ length: BUCKETS }, () => 0);
  const [result] = await pipelined(client, [
    {
      text: `SELECT b AS bucket, get_shard_id_for_distribution_column('logs', b::smallint) AS shard
        FROM generate_series(0, ${BUCKETS - 1}) AS b ORDER BY b`,
    },
  ]);
  return result!.rows.map((row) => Number(row['shard']));
}
