/** The connections to a PostgreSQL database: two pools, what their errors mean, and pipelined statements. */
import type { Writable } from 'node:stream';
import type pg from 'pg';
import { HumanloopError } from '../../../errors.ts';
import { loadInstalled } from '../../../load-module.ts';
import { toTimestamp } from '../timestamps.ts';
import { StoreUnavailableError } from '../unavailable-error.ts';

const WRITE_CONNECTIONS = 4;
const READ_CONNECTIONS = 8;
const STATEMENT_MILLIS = 10_000;
/** Without an answer for so long, a connection is given up: the server's machine may be gone. */
const SILENCE_MILLIS = 20_000;
/** For a connection to be free, or made. */
const WRITE_WAIT_MILLIS = 2_000;
const READ_WAIT_MILLIS = 5_000;

export type Value = string | number | boolean | null | Uint8Array | readonly unknown[];
/** Times are texts in the form of `toTimestamp`, days are `2026-01-31`, and bigint is a number. */
export type Row = Record<string, unknown>;

export interface Statement {
  readonly text: string;
  readonly values?: readonly Value[];
  /** Prepared once in a connection where it is given. */
  readonly name?: string;
  /** In place of `SILENCE_MILLIS`, for what goes through all of the data. */
  readonly query_timeout?: number;
}

export const LONG_MILLIS = 24 * 60 * 60 * 1000;

export interface Connections {
  readonly writes: pg.Pool;
  readonly reads: pg.Pool;
  close(): Promise<void>;
}

/** `onLost` is called when a connection breaks. @throws {HumanloopError} if `pg` is not installed. */
export function connect(url: string, onLost: () => void): Connections {
  const { Pool } = loadDriver();
  const open = (max: number, waitMillis: number): pg.Pool => {
    const pool = new Pool({
      connectionString: url,
      max,
      ...{ pipeline: true, keepAlive: true, application_name: 'humanloop-otel' },
      ...{ connectionTimeoutMillis: waitMillis, statement_timeout: STATEMENT_MILLIS, query_timeout: SILENCE_MILLIS },
      idle_in_transaction_session_timeout: 15_000,
      types: { getTypeParser: getTypeParser as pg.CustomTypesConfig['getTypeParser'] },
    } as pg.PoolConfig);
    // Both report a broken connection, which must not end the process. The statement that needs it fails.
    pool.on('error', onLost);
    pool.on('connect', (client) => client.on('error', onLost));
    return pool;
  };
  const [writes, reads] = [open(WRITE_CONNECTIONS, WRITE_WAIT_MILLIS), open(READ_CONNECTIONS, READ_WAIT_MILLIS)];
  return { writes, reads, close: async () => void (await Promise.all([writes.end(), reads.end()])) };
}

function loadDriver(): typeof pg {
  try {
    return loadInstalled('pg') as typeof pg;
  } catch (cause) {
    throw new HumanloopError('a PostgreSQL database needs the package pg: npm install pg@8', { cause });
  }
}

const [INT8, DATE, TIMESTAMPTZ] = [20, 1082, 1184];

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8) return Number;
  if (oid === DATE) return String;
  if (oid === TIMESTAMPTZ) return fromSqlTime;
  driverTypes ??= loadDriver().types;
  return driverTypes.getTypeParser(oid, format as 'text');
}

let driverTypes: typeof pg.types | undefined;

/** PostgreSQL has no year 0: what others call so is the year 1 before Christ. */
export function toSqlTime(timestamp: string): string {
  return timestamp.startsWith('0000-') ? `0001${timestamp.slice(4)} BC` : timestamp;
}

function fromSqlTime(text: string): string {
  const parsed = text.endsWith(' BC') ? text.slice(0, -3).replace(/^0001/, '0000') : text;
  return toTimestamp(parsed.replace(' ', 'T')) ?? text;
}

/** Works with one connection, which reads that belong together need only wait for once. */
export async function withConnection<Result>(
  pool: pg.Pool,
  work: (client: pg.ClientBase) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let isSpoiled = true;
  try {
    const result = await work(client);
    isSpoiled = false;
    return result;
  } catch (error) {
    // After an error of a statement the connection is as good as before.
    isSpoiled = !isSqlError(error);
    throw error;
  } finally {
    client.release(isSpoiled);
  }
}

/** One write to the socket for all that `send` sends before it returns. */
export function sendAtOnce<Result>(client: pg.ClientBase | pg.Pool, send: () => Result): Result {
  const { stream } = (client as { connection?: { stream: Writable } }).connection ?? {};
  stream?.cork();
  try {
    return send();
  } finally {
    stream?.uncork();
  }
}

/**
 * Sends all of the statements at once, and resolves to the rows of each. Rejects with the error of the first that fails,
 * once all are answered.
 */
export async function pipelined(
  client: pg.ClientBase | pg.Pool,
  statements: readonly Statement[],
): Promise<pg.QueryResult<Row>[]> {
  const sent = sendAtOnce(client, () => statements.map((statement) => client.query<Row>(statement as pg.QueryConfig)));
  const answers = await Promise.allSettled(sent);
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed) throw failed.reason;
  return answers.map((answer) => (answer as PromiseFulfilledResult<pg.QueryResult<Row>>).value);
}

/**
 * Codes of what may succeed when it is done again: conflicts, time-outs, a server that stops, starts, or has become a
 * standby, and, on Citus, XX000, where a worker went away.
 */
const REPEATABLE = /^(40001|40P01|55P03|57014|57P0[1-5]|08...|53300|25006|XX000)$/;
const REFUSED = /^(28...|3D000|42501)$/;

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function isSqlError(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(codeOf(error) ?? '') && (error as { severity?: unknown }).severity !== undefined;
}

/** Whether the driver lost its connection, or got none: its errors have no SQLSTATE. */
export function isLostConnection(error: unknown): boolean {
  if (isSqlError(error)) return /^(57P0[1-5]|08...)$/.test(codeOf(error)!);
  if (!(error instanceof Error) || error instanceof HumanloopError) return false;
  if (/^E[A-Z]+$/.test(codeOf(error) ?? '')) return true;
  return /connection|timeout|not queryable|Client was closed/i.test(error.message);
}

export function isRepeatable(error: unknown): boolean {
  return isSqlError(error) ? REPEATABLE.test(codeOf(error)!) : isLostConnection(error);
}

/** Turns an error of the database into one that says whether to come again. Returns any other as it is. */
export function explainPostgresError(error: unknown): unknown {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const explain = (reason: StoreUnavailableError['reason'], text: string) =>
    new StoreUnavailableError(reason, `the PostgreSQL database ${text} (${message})`, { cause: error });
  if (isSqlError(error) && REFUSED.test(code!)) return explain('refused', 'refuses the server');
  if (isSqlError(error) && code === '57014') return explain('too-slow', 'takes too long');
  if (isSqlError(error) && code === '53100') return explain('full', 'has no space left');
  if (isRepeatable(error)) return explain('unreachable', 'is not available');
  return error;
}
